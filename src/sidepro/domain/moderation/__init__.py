"""Moderation: reports, cases, decisions, and the log of what moderators did."""
