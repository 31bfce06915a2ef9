"""Pictures of a graph: where its boxes go, what stands in them, matplotlib and DOT."""
