"""People: users with their passwords, sessions and profiles."""
