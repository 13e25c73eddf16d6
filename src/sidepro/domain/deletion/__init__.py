"""Deletion across topics: expired rows, and accounts of people who withdraw."""
