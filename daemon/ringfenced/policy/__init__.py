"""Who may do what, and which label may go where: the site's own policy, on top of the built-in rules."""
