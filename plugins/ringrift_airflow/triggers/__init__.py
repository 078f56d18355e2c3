"""The triggers: conditions that the triggerer waits for."""
