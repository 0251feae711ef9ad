"""The plugin for pytest: fixtures and marker for stamps and rigs."""
