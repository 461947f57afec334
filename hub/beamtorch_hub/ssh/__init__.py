"""The client's half of ssh into a lab; it runs where only the base package is installed."""
