"""Pictures of a graph: its boxes and where they go, layers as one box, matplotlib and DOT."""
