"""How alembic reaches the database: by the engine of the one who calls, in one transaction."""

from alembic import context

from beamtorch_catalogue.stores.models import Base

with context.config.attributes["engine"].connect().execution_options(beamtorch_writing=True) as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=False)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            # Two processes that start at once would both create the tables.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(815064)")
        context.run_migrations()
