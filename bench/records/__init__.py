"""Records: what a run leaves, and what everything else is rendered from."""
