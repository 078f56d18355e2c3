"""Agents, named by one-line specs such as `gumbel:models/best.pth@150?temperature=1`."""

from __future__ import annotations

from ringrift.agents.agent import Agent
from ringrift.agents.registry import MODES, cheaper, known_spec, make_agent
from ringrift.agents.spec import BadSpec, Spec

__all__ = ["MODES", "Agent", "BadSpec", "Spec", "cheaper", "known_spec", "make_agent"]
