"""The one-line name of a player: `mode[:model][@budget][?option=value&…]`.

random
policy:models/best.pth?temperature=0.5
gumbel:models/best.pth@150?temperature=1
puct:heuristic@200                        (the heuristic in place of a network)
puct@800                                  (without a model: equal priors, value 0)
descent:heuristic@200
minimax@4?seconds=0.5                     (maxn, paranoid and brs for three and four players)
mixed:random,3xpuct@64                    (one of several, drawn per game and seat; see `mixed.py`)

The budget is counted in simulations, in positions opened by `descent`, in decisions of depth by the searches that go
deeper and deeper.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ringrift.errors import RingRiftError

_FORM = re.compile(r"(?P<mode>[a-z]+)(:(?P<model>[^@?]+))?(@(?P<budget>[^?]*))?(\?(?P<options>.*))?")


class BadSpec(RingRiftError):
    """The name of a player that cannot be understood."""


@dataclass(frozen=True)
class Spec:
    """A player's name, taken apart."""

    text: str
    mode: str
    model: str | None = None
    budget: int | None = None
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Spec:
        """Take a name apart; `BadSpec` says which part is wrong."""
        if text.startswith("mixed:"):
            return cls(text, "mixed")  # its members are specs themselves
        form = _FORM.fullmatch(text)
        if form is None:
            raise BadSpec(f"player {text!r}: the form is mode[:model][@budget][?option=value&…]")
        budget = form["budget"]
        if budget is not None and not (budget.isdecimal() and int(budget) > 0):
            raise BadSpec(f"player {text!r}: after @ stands a whole number above 0, not {budget!r}")
        options: dict[str, str] = {}
        for item in (form["options"] or "").split("&") if form["options"] is not None else []:
            name, equals, value = item.partition("=")
            if not (name and equals and value) or name in options:
                raise BadSpec(f"player {text!r}: {item!r} is no option, or stands there twice; write option=value")
            options[name] = value
        return cls(text, form["mode"], form["model"], int(budget) if budget else None, options)

    def number(self, name: str, default: float) -> float:
        """An option that is a number of at least 0."""
        if name not in self.options:
            return default
        try:
            value = float(self.options[name])
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            raise BadSpec(f"player {self.text!r}: {name} must be a number of at least 0, not {self.options[name]!r}")
        return value

    def allow(self, *, options: tuple[str, ...] = (), model: bool = False, budget: bool = False) -> None:
        """Refuse what a mode does not know."""
        unknown = sorted(self.options.keys() - set(options))
        if unknown:
            known = ", ".join(options) or "none"
            raise BadSpec(f"player {self.text!r}: unknown option {unknown[0]!r}; {self.mode} knows {known}")
        if self.model is not None and not model:
            raise BadSpec(f"player {self.text!r}: {self.mode} takes no model")
        if self.budget is not None and not budget:
            raise BadSpec(f"player {self.text!r}: {self.mode} takes no number after @")
