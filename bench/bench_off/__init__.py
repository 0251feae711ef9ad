"""The bench-off: recognisers side by side on one frozen corpus of presses."""
