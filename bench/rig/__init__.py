"""A rig at a port: connection, presses, conformance check, soak test."""
