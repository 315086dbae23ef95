"""Generated stubs of ringfence.v1; made by `make proto`."""
