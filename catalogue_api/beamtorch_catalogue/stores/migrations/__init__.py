"""The history of the tables, applied by the catalogue itself when it starts."""
