"""The command line: one thin file per command; heavy imports are local to the command that needs them."""
