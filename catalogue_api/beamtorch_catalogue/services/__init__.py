"""What the catalogue decides: who may read, what matches, what is taken in. Doors ask, stores obey."""
