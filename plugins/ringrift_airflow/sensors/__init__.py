"""The sensors: tasks that wait for a condition."""
