"""Sound: tokens in near-ultrasound, wire-compatible with ggwave 0.4.3, and the air they pass."""
