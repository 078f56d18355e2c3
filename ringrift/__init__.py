"""RingRift: a strategy board game for two to four players, and the pipeline that trains its players."""

import os

__version__ = "0.1.0"

# Read when torch is loaded, so it has to be set before that. By default its idle threads spin while they
# wait, and take the cores from whatever else runs: with `small` on two cores, 27,000 simulations a second in place of
# 39,000; a training of a minute took ten beside other processes.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
