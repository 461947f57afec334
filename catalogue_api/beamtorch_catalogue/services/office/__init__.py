"""Taking in and keeping what the user office knows.

Nothing here gives anybody a right: who may read is the directory's word alone (`services.access`).
"""
