"""Runs the steps on the connection that the service gives; there is no alembic.ini."""

from alembic import context

from beamtorch_spawner.stores.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
context.run_migrations()
