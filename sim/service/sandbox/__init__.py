"""A service to develop an app against: stamps that are there at once, a clock to set, answers to order."""
