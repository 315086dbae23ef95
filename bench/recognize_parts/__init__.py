"""Parts of `make bench-recognize`."""
