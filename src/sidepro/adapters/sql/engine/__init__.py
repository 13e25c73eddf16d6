"""Connections, transactions, locks, and statements in both dialects."""
