"""Passwords, access tokens and the secret key."""
