"""A person plays: in a window, or in a terminal where there is none. Scores are kept, as a yardstick."""
