"""Step 6, evaluate: what can be said of an answer before anybody pays for a better one."""
