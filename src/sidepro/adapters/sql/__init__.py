"""The store: SQLite and PostgreSQL from the same code, in SQLAlchemy Core."""
