"""Mails: their texts, and their way to a server or into a folder."""
