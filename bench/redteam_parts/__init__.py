"""What `bench/redteam.py` is made of."""
