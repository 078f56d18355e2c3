"""Specs, the one-line names of agents: `mode[:model][@budget][?option=value&…]`.

random
policy:models/best.pth?temperature=0.5
gumbel:{best}@32                          (the config's champion: promoted here, else the one of the package)
gumbel:{shipped}@32                       (the champion of the package, whatever has been promoted since)
gumbel:models/best.pth@150?temperature=1
puct:heuristic@200                        (the heuristic in place of a network)
puct@800                                  (without a model: equal priors, value 0)
descent:heuristic@200
heuristic:mine.yaml                       (weights of a file; of the frozen version: heuristic:v1)
minimax?nodes=1000&weights=mine.yaml      (so for every player with the heuristic, as gumbel:heuristic@64?weights=v1)
minimax@4?seconds=0.5                     (maxn, paranoid and brs for three and four players)
minimax:nnue@4                            (the integer network of the config in place of the heuristic)
maxn:models/x.nnue?nodes=4000             (… or that of a file; so with every search)
maxn:nnue-shipped?nodes=4000              (… or that of the package, whatever has been promoted since)
nnue@4                                    (minimax or maxn with the integer network; nnue:FILE names another)
ebmo:mine.ebmo?restarts=5&steps=50        (descent on the energy of actions, by a network of `ringrift train-ebmo`)
ebmo:mine.ebmo?online=learned.ebmo        (… that learns from its games, in that file; in `match` and `play`)
mixed:random,3xpuct@64                    (one of several, drawn per game and seat; see `mixed.py`)

The budget is counted in simulations, in positions opened by `descent`, in decisions of depth by the searches that go
deeper and deeper.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from ringrift.errors import RingRiftError
from ringrift.nnue.file import SUFFIX

DEEPENING: Final = ("minimax", "maxn", "paranoid", "brs")
"""The modes that search deeper and deeper, by the heuristic unless they name an integer network."""

MODES: Final = (
    *("random", "heuristic", *DEEPENING, "descent"),
    *("policy", "puct", "gumbel", "nnue", "ebmo", "mixed"),
)
"""Every mode of playing, by the name that a spec begins with; `registry.py` makes the players."""

FROZEN_HEURISTIC: Final = "heuristic:v1"
"""The heuristic player that stays as strong as it is when the weights of the configs get better."""

_FORM = re.compile(r"(?P<mode>[a-z]+)(:(?P<model>[^@?]+))?(@(?P<budget>[^?]*))?(\?(?P<options>.*))?")
_MEMBER = re.compile(r"((?P<weight>[0-9]+(\.[0-9]+)?)x)?(?P<spec>(?P<mode>[a-z]+).*)")


NNUE: Final = "nnue"
"""The name that stands for the integer network of the config: the promoted one, else the one of the package."""
SHIPPED_NNUE: Final = "nnue-shipped"
"""The name that stands for the integer network of the package, which stays as strong as it is when others come."""
SHIPPED_CHAMPION: Final = "{shipped}"
"""The name that stands for the champion of the package, which stays as strong as it is when others come."""
_WITHOUT_FILE: Final = ("heuristic", NNUE, SHIPPED_NNUE, SHIPPED_CHAMPION)


class BadSpec(RingRiftError):
    """A spec that cannot be understood."""


@dataclass(frozen=True)
class Spec:
    """A spec, parsed."""

    text: str
    mode: str
    model: str | None = None
    budget: int | None = None
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Spec:
        """Parse a spec; `BadSpec` says which part is wrong."""
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

    @property
    def weights(self) -> str | None:
        """The heuristic's weights that the spec names, a file or the frozen version; None for those of the config."""
        return self.model if self.mode == "heuristic" else self.options.get("weights")

    @property
    def uses_heuristic(self) -> bool:
        """Whether the heuristic judges positions."""
        return self.model == "heuristic" or self.mode == "heuristic" or (self.mode in DEEPENING and self.model is None)

    def with_model(self, name: str) -> str:
        """Return the text of the spec with another model, or with one where it names none."""
        return f"{self.mode}:{name}{self.text.removeprefix(self.mode).removeprefix(f':{self.model}')}"

    def with_weights(self, name: str) -> str:
        """Return the text of the spec with other weights of the heuristic."""
        if self.mode == "heuristic":
            return self.with_model(name)
        options = "&".join(f"{option}={value}" for option, value in (self.options | {"weights": name}).items())
        return f"{self.text.partition('?')[0]}?{options}"

    @property
    def network(self) -> str | None:
        """The file of the network that the spec names; None if it names none."""
        return None if self.mode == "heuristic" or self.model in _WITHOUT_FILE else self.model

    @property
    def names_nnue(self) -> bool:
        """Whether the model is an integer network: by one of the names for that of the config, or by its file."""
        return self.model in (NNUE, SHIPPED_NNUE) or (self.model is not None and self.model.endswith(SUFFIX))

    @property
    def learns(self) -> bool:
        """Whether the player learns from the games that it plays, so that nothing of it can be repeated."""
        if self.mode == "mixed":
            return any(Spec.parse(member).learns for _, member in parse_members(self.text))
        return "online" in self.options

    def number(self, name: str, default: float) -> float:
        """Return an option that is a number of at least 0."""
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
        """Refuse the parts of a spec that a mode does not have."""
        unknown = sorted(self.options.keys() - set(options))
        if unknown:
            known = ", ".join(options) or "none"
            raise BadSpec(f"player {self.text!r}: unknown option {unknown[0]!r}; {self.mode} knows {known}")
        if self.model is not None and not model:
            raise BadSpec(f"player {self.text!r}: {self.mode} takes no model")
        if self.budget is not None and not budget:
            raise BadSpec(f"player {self.text!r}: {self.mode} takes no number after @")


def parse_members(text: str) -> list[tuple[float, str]]:
    """The weights and the specs of a mixed player."""
    members = []
    for item in text.partition(":")[2].split(","):
        form = _MEMBER.fullmatch(item)
        weight = float(form["weight"] or 1) if form is not None else 0.0
        if form is None or weight == 0:
            raise BadSpec(
                f"player {text!r}: {item!r} is no member; the form is mixed:player,3xplayer,…, weights above 0"
            )
        if form["mode"] == "mixed":
            raise BadSpec(f"player {text!r}: a mixed player cannot be a member of another")
        members.append((weight, form["spec"]))
    return members


def known_spec(text: str) -> Spec:
    """The name of a player, taken apart; `BadSpec` if its form is wrong, or its mode or that of a member unknown."""
    spec = Spec.parse(text)
    if spec.mode not in MODES:
        raise BadSpec(f"player {text!r}: unknown mode {spec.mode!r}; choose one of {', '.join(MODES)}")
    for _, member in parse_members(text) if spec.mode == "mixed" else ():
        known_spec(member)
    return spec
