"""Fraud: checks of a press against what was seen before, and alarms that explain themselves."""
