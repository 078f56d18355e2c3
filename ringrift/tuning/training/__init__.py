"""Hyper-parameters of training: a search over trials, and populations that learn."""
