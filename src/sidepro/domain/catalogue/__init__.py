"""The catalogue: the skills, regions and meeting times on offer."""
