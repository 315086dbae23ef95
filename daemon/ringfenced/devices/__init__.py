"""The host and its accelerators."""
