"""Signing in: by the platform's own passwords, the directory's, or another site's. The directory says who one is."""
