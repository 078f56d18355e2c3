"""The file of a config's champion: the model that was promoted here, else the one that comes with the package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ringrift.agents.spec import SHIPPED_CHAMPION
from ringrift.errors import RingRiftError

CHAMPION: Final = "{best}"
"""The name that stands for the champion's file in the specs of players."""
FORMER_CHAMPION: Final = re.compile(r"\{best~([1-9][0-9]{0,3})\}")
"""The name that stands for a former champion's file: `{best~1}` is the champion before the present one."""
NEWEST: Final = "{newest}"
"""The name that stands for the file of the newest model, promoted or not."""
SHIPPED: Final = Path(__file__).parents[1] / "networks" / "shipped"
"""The folder of the champions that come with the package, `<config>.pth` and `.json`."""


class MissingChampion(RingRiftError):
    """A champion is named where there is none."""


def promoted_model(folder: Path, config: str) -> Path:
    """Return where the promoted model of a config lies in the folder of models."""
    return folder / f"ringrift_best_{config}.pth"


def former_wanted(players: str) -> int:
    """Return how far back the former champions go that a spec of players names; 0 if it names none."""
    return max((int(back) for back in FORMER_CHAMPION.findall(players)), default=0)


def placed_newest(folder: Path, config: str) -> Path:
    """Return where self-play finds the newest model of a config, beside the champion's file."""
    return promoted_model(folder, f"{config}~newest")


def shipped_model(config: str) -> Path | None:
    """Return the file of the champion that comes with the package; None if none does."""
    path = SHIPPED / f"{config}.pth"
    return path if path.is_file() else None


def with_shipped(players: str, config: str) -> str:
    """Return a spec with the file of the package's champion for its name; `MissingChampion` if there is none."""
    if SHIPPED_CHAMPION not in players:
        return players
    path = shipped_model(config)
    if path is None:
        raise MissingChampion(f"no champion of {config} comes with the package: name a file, or {CHAMPION}")
    return players.replace(SHIPPED_CHAMPION, str(path))


def is_promoted(folder: Path, config: str) -> bool:
    """Whether a model has been promoted; also where one of its two files is missing, which reading it says."""
    path = promoted_model(folder, config)
    return path.exists() or path.with_suffix(".json").exists()


def find_promoted(folder: Path, config: str) -> Path | None:
    """Return the file of the promoted model, which others are measured against; None if there is none."""
    return promoted_model(folder, config) if is_promoted(folder, config) else None


def find_champion(folder: Path, config: str) -> Path | None:
    """Return the file of the champion: the promoted model, else the champion of the package; None without either.

    Nothing is measured against the champion of the package unless a loop has begun with it, and thereby promoted it:
    a loop that starts from nothing has to beat its own models.
    """
    return find_promoted(folder, config) or shipped_model(config)


def champion_file(folder: Path, config: str) -> Path:
    """Return what `find_champion` finds; `MissingChampion` if that is nothing."""
    path = find_champion(folder, config)
    if path is None:
        raise MissingChampion(
            f"there is no champion of {config} in {folder} or in the package: `ringrift loop {config}` makes one"
        )
    return path
