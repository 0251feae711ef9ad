"""A G-code machine that presses a real stamp on a real phone."""
