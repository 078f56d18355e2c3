"""The capacity of a machine: the guard that heavy work asks before it begins, and that watches it."""

from __future__ import annotations

from ringrift.resources.guard import Guard, NoRoom
from ringrift.resources.settings import GuardSettings, guard_settings

__all__ = ["Guard", "GuardSettings", "NoRoom", "guard_settings"]
