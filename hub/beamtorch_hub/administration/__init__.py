"""What `beamtorch admin` does: each topic asks the spawner API and prints what it tells."""
