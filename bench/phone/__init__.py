"""Any phone as a rig: its own browser sends what touches it, and stamps are read in its own px."""
