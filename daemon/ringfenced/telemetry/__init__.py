"""Logs and metrics: one canonical line and a few counts a request, never content."""
