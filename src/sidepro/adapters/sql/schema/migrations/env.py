"""Alembic's environment: migrations use the connection that `sidepro migrate` passes."""

from alembic import context

from sidepro.adapters.sql.schema.columns import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_type=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
