"""The link between rig and host: packets, messages, commands and their faults."""
