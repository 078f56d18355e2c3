"""Training: a data set in, a network that has learned from it out, with everything that is needed to trust it."""
