"""The database: tables, full text and migrations. Stores obey; services decide."""
