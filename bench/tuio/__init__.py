"""Contacts and stamps as TUIO messages for table software."""
