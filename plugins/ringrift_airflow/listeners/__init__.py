"""Listeners: what the scheduler does beside the tasks."""
