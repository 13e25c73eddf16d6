"""What people choose for their own account: the username, settings, and the profile."""
