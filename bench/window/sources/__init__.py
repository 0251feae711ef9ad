"""Where the window's touch reports come from."""
