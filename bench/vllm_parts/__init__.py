"""What `make bench-vllm` is made of."""
