"""One plan over a grid of settings."""
