"""Repositories of the board: projects, their search rows, comments, and bookmarks."""
