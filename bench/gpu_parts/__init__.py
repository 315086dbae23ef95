"""What `bench/gpu.sh` is made of."""
