"""What the electronics do and what travels on the wire. Knows nothing of stamps."""
