"""The virtual world: stamps, hand, panel and rig; and the decoder that reads what they produce."""
