"""Players with lasting names: a model is named by its id, wherever its file lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringrift.agents import BadSpec, Spec
from ringrift.agents.champion import CHAMPION, find_promoted, with_shipped
from ringrift.agents.registry import nnue_file
from ringrift.agents.spec import SHIPPED_CHAMPION, parse_members
from ringrift.errors import RingRiftError
from ringrift.heuristic import FROZEN, load_weights, named_weights, weights_id
from ringrift.nnue import read_nnue_id
from ringrift.selfplay.player_pool import model_id

_ID: Final = re.compile(r"[0-9a-f]{16}")


class UnknownModel(RingRiftError):
    """There is no such model."""


class OtherPlayer(RingRiftError):
    """A player of an evaluation is another one on this host."""


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
    name has the id of the model, and the heuristic's weights but for the frozen ones, an integer network and the
    package's champion are named `w0123456789abcdef`, `nnue-0123456789abcdef` and `shipped-0123456789abcdef`.
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
        return Participant(named.with_weights(f"w{weights_id(weights)}"), spec)
    if named.names_nnue or named.mode == "nnue":
        return Participant(named.with_model(f"nnue-{read_nnue_id(nnue_file(named, config))}"), spec)
    model = model_id(with_shipped(spec, config))
    if named.model == SHIPPED_CHAMPION:
        model = f"shipped-{model}"
    return Participant(spec if model is None else named.with_model(model), spec)


def check_same_player(player: Participant, config: str) -> None:
    """Raise `OtherPlayer` if the spec of a player stands for other weights or another network here than its name says.

    A model of the store is a file that was sent along, and is not looked at.
    """
    if model_of(player.name) is None and (own := participant(player.spec, config).name) != player.name:
        raise OtherPlayer(f"player {player.spec!r}: is {own} here, and not {player.name}: make both hosts alike")


def model_of(name: str) -> str | None:
    """Return the id of the model in the name of a player; None for a player without one of the store."""
    model = Spec.parse(name).model
    return model if model is not None and _ID.fullmatch(model) else None


def model_participant(path: Path, as_: str) -> Participant:
    """Return a model as a player; `as_` is a spec without a model, such as `policy` or `gumbel@32`."""
    spec = Spec.parse(as_)
    if spec.model is not None or spec.mode == "mixed":
        raise BadSpec(f"player {as_!r}: is to be a way for a model to play, such as policy or gumbel@32")
    player = spec.with_model(str(path))
    return Participant(spec.with_model(str(model_id(player))), player)


def plays_as(name: str, model: str, form: str) -> bool:
    """Tell whether a player's name is that of a model, by its id, that plays by a spec without one."""
    return name == Spec.parse(form).with_model(model)


def find_predecessor(folder: Path, config: str, model: Path) -> Path | None:
    """Return the file of the model that another is measured against: the champion, or the parent of a champion."""
    from ringrift.networks import read_id, read_info  # late: torch is slow to import

    champion = find_promoted(folder, config)
    if champion is not None and read_id(champion) != read_id(model):
        return champion
    parent = read_info(model).extra.get("training", {}).get("parent")
    path = folder / config / f"{parent}.pth"
    return path if parent and path.is_file() else None
