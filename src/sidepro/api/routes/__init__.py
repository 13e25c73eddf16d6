"""The routes of the JSON API, a file for each topic."""
