"""Everything that is stored: SQLite and PostgreSQL from the same code, in SQLAlchemy Core."""
