"""Notifications: what happened to a person's things while they were away."""
