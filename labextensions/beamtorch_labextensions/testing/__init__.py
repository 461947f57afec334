"""A catalogue to test against; never imported at run time."""
