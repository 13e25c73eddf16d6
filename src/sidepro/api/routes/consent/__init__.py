"""Routes of consent: chat requests and blocks."""
