"""Alembic's entry: runs inside the transaction `store.migrate` opened."""

from alembic import context

from revolution_hub.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
