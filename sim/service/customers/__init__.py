"""Knowing customers: counts, segments, messages with consent, and their own rights."""
