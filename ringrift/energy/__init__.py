"""Energy networks: how well an action fits a position, as a number that gradient descent on the action makes small.

`layout.py` lists inputs and sizes, `inputs.py` and `descent.py` are what players call, `file.py` keeps networks.
"""

from __future__ import annotations

from ringrift.energy.file import (
    SUFFIX,
    BadEnergyNetwork,
    StoredEnergyNetwork,
    read_energy_id,
    read_energy_network,
    write_energy_network,
)
from ringrift.energy.layout import EMBEDDING, HIDDEN, PAIR, EnergyWeights, input_count, weight_shapes

__all__ = [
    "EMBEDDING",
    "HIDDEN",
    "PAIR",
    "SUFFIX",
    "BadEnergyNetwork",
    "EnergyWeights",
    "StoredEnergyNetwork",
    "input_count",
    "read_energy_id",
    "read_energy_network",
    "weight_shapes",
    "write_energy_network",
]
