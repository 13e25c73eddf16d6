"""Connections, fast reads, keyset pages, locks, and what differs between the dialects."""
