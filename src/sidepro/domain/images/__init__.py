"""Images: uploads, their URLs, references and cleanup."""
