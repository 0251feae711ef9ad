"""HID digitizers: report descriptors and reports."""
