"""The parts of gradcheck: what is checked, slopes, kinks, where a fault lies, and what it is."""
