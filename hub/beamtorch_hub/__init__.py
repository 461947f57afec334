"""The hub of a Beamtorch platform: its configuration, pages, demo facility, and the `beamtorch` command."""
