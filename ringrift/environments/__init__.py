"""RingRift as an environment for other people's learners: PettingZoo's turn-based API, and many games at once.

`RingRiftEnv` needs PettingZoo (`pip install 'ringrift[environments]'`); `VectorEnvironment` needs nothing more than
the package itself. Both observe with the encoding of `ringrift.encoding` and act with the policy indices of the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringrift.deferred import deferred

if TYPE_CHECKING:
    from ringrift.environments.aec import RingRiftEnv
    from ringrift.environments.vector import VectorEnvironment, VectorObservation, VectorStep
else:
    __getattr__ = deferred(
        __name__,
        {"aec": ("RingRiftEnv",), "vector": ("VectorEnvironment", "VectorObservation", "VectorStep")},
    )

__all__ = ["RingRiftEnv", "VectorEnvironment", "VectorObservation", "VectorStep"]
