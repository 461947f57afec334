"""The client that waits for its answers; `just client` writes it from `_async`: change that."""
