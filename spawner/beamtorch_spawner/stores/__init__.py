"""Where the spawner service keeps leases and what was done with them."""
