"""Listeners: what happens beside the tasks."""
