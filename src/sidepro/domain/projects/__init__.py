"""The board: projects with their skills, counters, comments and bookmarks."""
