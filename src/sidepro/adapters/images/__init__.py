"""Image encoding (Pillow) and image stores: a folder or S3 (obstore)."""
