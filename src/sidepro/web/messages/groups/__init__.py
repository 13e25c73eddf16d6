"""The types of the groups of texts."""
