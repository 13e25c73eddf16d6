"""Repositories of accounts: people, profiles, and sessions."""
