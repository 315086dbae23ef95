"""Ringfence Tiny: the bundled demonstration model, and all that is needed to make it again."""
