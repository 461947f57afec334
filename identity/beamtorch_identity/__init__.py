"""Who people are to the kernel: the facility's directory, over LDAP or from a file, and what may be wrong in it."""
