"""Real parts for the tests of whoever needs a directory."""
