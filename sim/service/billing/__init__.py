"""Billing: usage per vendor and month from the events themselves, chained by hashes, recomputable."""
