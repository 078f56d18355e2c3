"""The hooks that operators and triggers share: the ways to hosts and databases."""
