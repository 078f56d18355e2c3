"""The stages of the loop, and the care of the hosts, as operators."""
