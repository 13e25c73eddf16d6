"""Backups of an embedded installation: one file with its database, images, mail and secret key."""
