"""The features of the heuristic, in order: the one place that lists them.

The kernels take their indices from here, weight files their names, and `docs/heuristic.md` its table. A feature is a
number per player, of that player's own affairs, counted in fractions of what the rules ask for, so that one weight
means about the same on every board.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Feature:
    """A feature, which has a weight."""

    name: str
    meaning: str
    unit: str
    """The unit that it is divided by, in words."""


FEATURES: Final = (
    # How far the game is won.
    Feature("credited", "rings credited as eliminated", "elimination goal"),
    Feature("territory", "collapsed cells owned", "territory goal"),
    Feature("closeness", "the highest of credited, territory and exclusive, squared: 1 is a victory", "one"),
    Feature("leader", "closeness of the best of the others beyond their mean; 0 for two players", "one"),
    Feature("exclusive", "last player standing: exclusive rounds in a row", "3"),
    # Rings.
    Feature("hand", "rings in hand", "rings per player"),
    Feature("stacks", "stacks controlled", "rings per player"),
    Feature("caps", "rings in the caps of controlled stacks", "rings per player"),
    Feature("captives", "rings of other colours in controlled stacks", "rings per player"),
    Feature("buried", "own rings in stacks that others control", "rings per player"),
    Feature("centre", "controlled stacks, each 1 in the centre and 0 at the edge", "rings per player"),
    # Movement.
    Feature("mobility", "landings of slides, and stacks to capture, over all controlled stacks", "cells"),
    Feature("dead", "controlled stacks without a slide or a capture", "rings per player"),
    Feature("stuck", "1 with neither a ring in hand nor a stack that can act: forced elimination threatens", "one"),
    Feature("sole", "share of the others with rings who are stuck, if the player is not", "one"),
    Feature("recovery", "1 if recovery is possible", "one"),
    # Contact.
    Feature("targets", "pairs of an own stack and a foreign one that it could capture", "rings per player"),
    Feature("overtakes", "… whose cap is one ring: the stack changes hands or goes", "rings per player"),
    Feature("threatened", "pairs of a foreign stack and an own one that it could capture", "rings per player"),
    Feature("hanging", "… by a stack of the player to act", "rings per player"),
    # Markers and territory to come.
    Feature("markers", "markers on the board", "territory goal"),
    Feature("two_short", "rows of markers, gaps allowed, that lack two for a line, times its length", "territory goal"),
    Feature("one_short", "… that lack one", "territory goal"),
    Feature("lines", "… that are lines", "territory goal"),
    Feature("links", "own markers next to each other, collapsed cells or the edge: borders to be", "territory goal"),
    Feature("claim_cells", "cells of the best region that the player may claim now", "territory goal"),
    Feature("claim_rings", "rings in that region", "elimination goal"),
    # The turn.
    Feature("to_act", "1 for the player to act", "one"),
    Feature("owes", "1 if the player owes a ring or a cap", "one"),
)

FEATURE_NAMES: Final = tuple(feature.name for feature in FEATURES)
