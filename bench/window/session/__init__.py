"""What happens in the window: arrangement, sources, reader, capture, plans."""
