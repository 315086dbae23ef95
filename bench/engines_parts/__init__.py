"""What `make bench-engines` is made of."""
