"""What the spawner service decides: who may start what, and how a lease goes through its life."""
