"""Digests: mails about unread notifications and unread chat messages."""
