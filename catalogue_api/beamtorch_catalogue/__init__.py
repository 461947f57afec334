"""The catalogue: which data there are, who may read them, and how a session gets at them."""
