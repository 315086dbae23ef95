"""Judging answers: what can be said of one without asking anybody."""
