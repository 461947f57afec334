"""Starting labs and apps: who may have what, the lease on it, and the process that it becomes."""
