"""What a target's answers are worth, learned from what came of them; pure, and without content."""
