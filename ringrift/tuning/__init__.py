"""Tuning: the heuristic's weights, and the hyper-parameters of training."""
