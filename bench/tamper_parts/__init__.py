"""Parts of `make test-tamper`."""
