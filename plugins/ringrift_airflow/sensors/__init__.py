"""What waits for a condition."""
