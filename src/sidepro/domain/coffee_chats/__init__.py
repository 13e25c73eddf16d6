"""Consent to coffee chats: who may contact whom, and requests before a room opens."""
