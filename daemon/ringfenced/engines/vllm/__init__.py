"""vLLM behind the engine protocol, in its own interpreter: nothing but `bootstrap.py` is run by path, see there."""
