"""The evaluators of networks, one for each model, that the agents of a process share."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from ringrift.encoding import feature_version
from ringrift.game.boards import Board
from ringrift.search import CachedEvaluator, NetworkEvaluator

GROUPS: Final = 3
"""The groups of games where a device computes beside the cores: while it computes the batch of one, a second waits in
its queue, so that it never idles, and the third is simulated."""
CACHE_MEGABYTES: Final = 64
"""The memory of a cache beside a network on a CPU: some 400,000 positions."""
GPU_CACHE_MEGABYTES: Final = 1024
"""The same beside a GPU: two decisions with 64 simulations of each of 4,096 games fill half a million entries."""
_Key = tuple[str, str, int, bool]
"""The id of a model, the board and the players it plays with, and whether positions are turned at random."""


class NetworkEvaluators:
    """The evaluators of all networks on one device.

    Agents that name the same model share one evaluator, and with it the device's memory and what it has evaluated. A
    model that no agent uses any more is forgotten.
    """

    def __init__(self, device: str | None = None) -> None:
        """Use a device, by default the best there is; nothing is loaded yet."""
        self._device = device
        self._known: WeakValueDictionary[_Key, CachedEvaluator[NetworkEvaluator]] = WeakValueDictionary()

    @property
    def device(self) -> str:
        """The name of the device; `NoDevice` if it is not there."""
        from ringrift.networks import checked_device  # late: torch is slow to import, and most agents need none

        return checked_device(self._device)

    @property
    def groups(self) -> int:
        """The groups of games that keep the device busy."""
        return GROUPS if self.device.startswith("cuda") else 1

    def evaluator(
        self, path: Path, board: Board, players: int, *, random_symmetry: bool
    ) -> CachedEvaluator[NetworkEvaluator]:
        """Return the evaluator of the model in a file."""
        from ringrift.networks import InferenceSession, load_model, read_id

        while True:
            model = read_id(path)
            key = model, board.name, players, random_symmetry
            if (known := self._known.get(key)) is not None:
                return known
            network = load_model(path, board=board.name, players=players)
            if read_id(path) == model:  # else the file was replaced meanwhile
                break
        session = InferenceSession(network, device=self.device)
        version = feature_version(network.config.features)
        evaluator = NetworkEvaluator(board, players, version, session, random_symmetry=random_symmetry)
        megabytes = CACHE_MEGABYTES if self.device == "cpu" else GPU_CACHE_MEGABYTES
        made = self._known[key] = CachedEvaluator(evaluator, players, megabytes=megabytes)
        return made
