"""Analysis apps: each a library, a widget, a one-cell notebook and a command line with the same verbs."""
