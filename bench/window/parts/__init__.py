"""What the window is made of: cards, plots, lists, dialogs."""
