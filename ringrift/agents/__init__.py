"""Agents, named by one-line specs such as `gumbel:models/best.pth@150?temperature=1`.

Reading a spec costs nothing; what makes players of them is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringrift.agents.champion import MissingChampion, champion_file, promoted_model, shipped_model
from ringrift.agents.spec import FROZEN_HEURISTIC, MODES, BadSpec, Spec, known_spec
from ringrift.deferred import deferred

if TYPE_CHECKING:
    from ringrift.agents.agent import Agent
    from ringrift.agents.registry import cheaper, make_agent, with_difficulty
else:
    __getattr__ = deferred(__name__, {"agent": ("Agent",), "registry": ("cheaper", "make_agent", "with_difficulty")})

__all__ = [
    "FROZEN_HEURISTIC",
    "MODES",
    "Agent",
    "BadSpec",
    "MissingChampion",
    "Spec",
    "champion_file",
    "cheaper",
    "known_spec",
    "make_agent",
    "promoted_model",
    "shipped_model",
    "with_difficulty",
]
