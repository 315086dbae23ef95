"""What `make eval-routing` is made of."""
