"""Tuning: hyper-parameters of training, by a search over trials or by a population that learns."""
