"""How the tables of the spawner service came to be, step by step (alembic)."""
