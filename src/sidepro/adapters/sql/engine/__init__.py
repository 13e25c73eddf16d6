"""Connections, fast reads, keyset pages, locks, and differences between the dialects."""
