"""The supervisor behind `beamtorch up`: starts the processes of a platform, watches them, and ends them all."""
