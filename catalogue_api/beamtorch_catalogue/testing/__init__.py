"""What tests of the catalogue and of its callers need: a Hub that knows tokens, and a catalogue that runs."""
