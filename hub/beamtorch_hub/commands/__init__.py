"""The doors of the `beamtorch` command that run a platform on this machine."""
