"""POSIX access control lists: a pure model, the kernel's own form of it, and the kernel's answer explained."""
