"""Files opened with the rights of a person: a small process as root, and those who ask it over a socket.

Whoever faces the web names a person and a path below the data. The reader looks the person up in the directory itself,
a child of it becomes that person for good, and the kernel says yes or no. What comes back is an open file.
"""
