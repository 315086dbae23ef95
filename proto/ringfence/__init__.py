"""The contract: all that callers, daemon and agent must agree on. It imports neither side."""
