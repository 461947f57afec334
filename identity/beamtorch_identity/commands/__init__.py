"""The doors of the `beamtorch` command to folders of beamtimes and to the explanation of access."""
