"""The daemon of a node: it knows the data and has no way out."""
