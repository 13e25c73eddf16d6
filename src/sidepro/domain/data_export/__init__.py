"""The data export: everything stored about one person, for that person."""
