"""Players with names that last: a model is named by its id, wherever its file lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ringrift.agents import BadSpec, Spec
from ringrift.errors import RingRiftError
from ringrift.selfplay.lineup import model_id, promoted_model


class UnknownModel(RingRiftError):
    """A model that is not there."""


@dataclass(frozen=True)
class Contender:
    """A player that is evaluated."""

    name: str
    """Such as `gumbel:0123456789abcdef@32`: the spec with the id of the model in place of its path."""
    spec: str

    @property
    def has_model(self) -> bool:
        """Whether it plays with a network."""
        return self.name != self.spec


def contender(spec: str) -> Contender:
    """The player of a spec; what `read_id` raises if its model is not there."""
    model = model_id(spec)
    return Contender(spec if model is None else spec.replace(f":{Spec.parse(spec).model}", f":{model}", 1), spec)


def model_contender(path: Path, as_: str) -> Contender:
    """A model as a player; `as_` is a spec without a model, such as `policy` or `gumbel@32`."""
    spec = Spec.parse(as_)
    if spec.model is not None or spec.mode == "mixed":
        raise BadSpec(f"player {as_!r}: is to be a way for a model to play, such as policy or gumbel@32")
    return contender(f"{spec.mode}:{path}{as_.removeprefix(spec.mode)}")


def plays_as(name: str, model: str, form: str) -> bool:
    """Whether a contender's name is that of a model, by its id, that plays in the way of a spec without one."""
    mode = Spec.parse(form).mode
    return name == f"{mode}:{model}{form.removeprefix(mode)}"


def find_model(folder: Path, config: str, name: str) -> Path:
    """The file of a model by its path, or by its id in the folder of models; `UnknownModel` if it is neither."""
    path = Path(name)
    by_id = folder / config / f"{name}.pth"
    for candidate in (path, by_id):
        if candidate.is_file():
            return candidate
    raise UnknownModel(f"{name}: there is no such model, neither a file nor an id: {by_id} is not there, either")


def find_champion(folder: Path, config: str) -> Path | None:
    """The file of the promoted model; None if there is none yet."""
    path = promoted_model(folder, config)
    return path if path.exists() or path.with_suffix(".json").exists() else None


def find_predecessor(folder: Path, config: str, model: Path) -> Path | None:
    """The file of the model that another one is to be better than: the champion, or its parent if it is that itself."""
    from ringrift.networks import read_id, read_info  # late: torch is slow to import

    champion = find_champion(folder, config)
    if champion is not None and read_id(champion) != read_id(model):
        return champion
    parent = read_info(model).extra.get("training", {}).get("parent")
    path = folder / config / f"{parent}.pth"
    return path if parent and path.is_file() else None
