"""How the prior of routing was made."""
