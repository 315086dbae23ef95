"""The shipped priors of routing, and what trains them."""
