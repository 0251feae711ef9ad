"""Plans: what a run presses, and the limits it is held against."""
