"""What the operators and triggers share: the ways to hosts and databases."""
