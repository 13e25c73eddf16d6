"""The Korean texts."""
