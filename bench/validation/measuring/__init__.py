"""How the stamps of a lot are measured."""
