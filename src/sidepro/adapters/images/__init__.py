"""Encoding pictures (Pillow), and keeping them in a folder or in S3 (obstore)."""
