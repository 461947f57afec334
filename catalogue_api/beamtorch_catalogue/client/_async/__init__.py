"""The client whose answers are awaited; `_sync` is written from it."""
