"""The egress agent: it has a way out and never learns the data."""
