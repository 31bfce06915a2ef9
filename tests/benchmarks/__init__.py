"""How fast and how large: this project beside PyTorch, in the same run on the same number of threads."""
