"""Players with lasting names: a model is named by its id, wherever its file lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ringrift.agents import BadSpec, Spec
from ringrift.agents.champion import CHAMPION, find_promoted, with_shipped
from ringrift.agents.registry import nnue_file
from ringrift.agents.spec import SHIPPED_CHAMPION, parse_members
from ringrift.errors import RingRiftError
from ringrift.heuristic import FROZEN, load_weights, named_weights, weights_id
from ringrift.selfplay.player_pool import model_id


class UnknownModel(RingRiftError):
    """There is no such model."""


@dataclass(frozen=True)
class Participant:
    """A player that is evaluated."""

    name: str
    """The spec with the id of the model or weights in place of their file, such as `gumbel:0123456789abcdef@32`."""
    spec: str

    @property
    def has_model(self) -> bool:
        """Whether it plays with a network."""
        spec = Spec.parse(self.spec)
        return spec.network is not None or spec.model == SHIPPED_CHAMPION

    @property
    def model(self) -> str | None:
        """The file of its model, as its spec names it; None without one."""
        return Spec.parse(self.spec).network


def participant(spec: str, config: str) -> Participant:
    """Return the player of a spec; the errors of `read_id` or `named_weights` if its model or weights are not there.

    What stands behind a spec may change, and games with it must not be taken for games with something else: so the
    name has the id of the model, of that of the package, too, and of the heuristic's weights, but for the frozen ones.
    """
    named = Spec.parse(spec)
    if named.model == CHAMPION:
        raise BadSpec(f"player {spec!r}: another model may be champion tomorrow; name the file of this one")
    if named.mode == "mixed":
        members = (f"{weight:g}x{participant(member, config).name}" for weight, member in parse_members(spec))
        return Participant(f"mixed:{','.join(members)}", spec)
    if named.uses_heuristic:
        if named.weights == FROZEN:
            return Participant(spec, spec)
        weights = load_weights(config) if named.weights is None else named_weights(named.weights)
        return Participant(named.with_weights(weights_id(weights)), spec)
    model = model_id(_with_file(named, config))
    return Participant(spec if model is None else _with_model(named, model), spec)


def _with_file(spec: Spec, config: str) -> str:
    """Return a spec with the file of its model in place of a name that stands for it."""
    if spec.names_nnue or spec.mode == "nnue":
        return _with_model(spec, str(nnue_file(spec, config)))
    return with_shipped(spec.text, config)


def _with_model(spec: Spec, model: str) -> str:
    return f"{spec.mode}:{model}{spec.text.removeprefix(spec.mode).removeprefix(f':{spec.model}')}"


def model_participant(path: Path, as_: str) -> Participant:
    """Return a model as a player; `as_` is a spec without a model, such as `policy` or `gumbel@32`."""
    spec = Spec.parse(as_)
    if spec.model is not None or spec.mode == "mixed":
        raise BadSpec(f"player {as_!r}: is to be a way for a model to play, such as policy or gumbel@32")
    player = _with_model(spec, str(path))
    return Participant(_with_model(spec, str(model_id(player))), player)


def plays_as(name: str, model: str, form: str) -> bool:
    """Tell whether a player's name is that of a model, by its id, that plays by a spec without one."""
    mode = Spec.parse(form).mode
    return name == f"{mode}:{model}{form.removeprefix(mode)}"


def find_predecessor(folder: Path, config: str, model: Path) -> Path | None:
    """Return the file of the model that another is measured against: the champion, or the parent of a champion."""
    from ringrift.networks import read_id, read_info  # late: torch is slow to import

    champion = find_promoted(folder, config)
    if champion is not None and read_id(champion) != read_id(model):
        return champion
    parent = read_info(model).extra.get("training", {}).get("parent")
    path = folder / config / f"{parent}.pth"
    return path if parent and path.is_file() else None
