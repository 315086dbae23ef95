"""Parts of `evasion.py` and `evasion_fuzz.py`."""
