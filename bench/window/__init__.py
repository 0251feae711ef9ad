"""The pygame window as an instrument of the bench."""
