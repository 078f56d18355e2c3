"""The shares of configs in the processes of a host: by weight, in whole processes, and fair over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Negotiation:
    """The credit of every config, carried from turn to turn.

    At every turn each config is credited its share by weight, and processes go to the config with the most credit, one
    by one (largest remainder, with what is left over carried to the next turn). So three configs on one process play a
    third of the time each, and none starves.
    """

    credits: dict[str, float] = field(default_factory=dict)

    def share(self, processes: int, weights: Mapping[str, float]) -> dict[str, int]:
        """Return the processes of each config for the next turn; `weights` are those of the configs with a request."""
        whole = sum(weights.values())
        self.credits = {
            config: self.credits.get(config, 0.0) + processes * weight / whole for config, weight in weights.items()
        }
        shares = dict.fromkeys(weights, 0)
        for _ in range(processes if weights else 0):
            first = max(sorted(self.credits), key=self.credits.__getitem__)
            shares[first] += 1
            self.credits[first] -= 1
        return shares
