"""Wire formats of real rigs, written and read."""
