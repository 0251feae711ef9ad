"""The stamp service under load, in a process of its own."""
