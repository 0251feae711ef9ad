"""Where touch reports and raw frames come from: rigs, devices and recordings."""
