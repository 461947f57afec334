"""ssh into a lab: an sshd for each connection, as the person, behind a websocket; no port is opened."""
