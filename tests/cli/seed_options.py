"""Options of `sidepro seed` for small demo data."""

SMALL = ["--users=4", "--projects=3", "--comments=2", "--bookmarks=2", "--rooms=1"]
SMALL += ["--messages-per-room=2"]
