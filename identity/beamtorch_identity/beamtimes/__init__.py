"""Folders of beamtimes, who may do what in them (a pure policy), and a tree kept in line with the directory."""
