"""The doors of the spawner service: they translate HTTP, and say who may come in."""
