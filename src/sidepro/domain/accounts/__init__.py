"""People: users, their passwords, sessions and profiles, and the catalogue they choose from."""
