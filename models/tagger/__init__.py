"""What the tagger learned from, and how."""
