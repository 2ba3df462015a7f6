"""Runs the revisions on the connection handed over by `api.schema`."""

from alembic import context

from kernel.database import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
