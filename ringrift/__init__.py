"""RingRift: a strategy board game for two to four players, and the pipeline that trains its players."""

__version__ = "0.1.0"
