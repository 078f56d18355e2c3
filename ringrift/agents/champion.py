"""The file of a config's champion: the model that was promoted here, else the one that comes with the package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ringrift.errors import RingRiftError

CHAMPION: Final = "{best}"
"""The name that stands for the champion's file in the specs of players."""
FORMER_CHAMPION: Final = re.compile(r"\{best~([1-9][0-9]{0,3})\}")
"""The name that stands for a former champion's file: `{best~1}` is the champion before the present one."""
SHIPPED: Final = Path(__file__).parents[1] / "networks" / "shipped"
"""The folder of the champions that come with the package, `<config>.pth` and `.json`."""


class MissingChampion(RingRiftError):
    """A champion is asked for where there is none."""


def promoted_model(folder: Path, config: str) -> Path:
    """Return where the promoted model of a config lies in the folder of models."""
    return folder / f"ringrift_best_{config}.pth"


def former_wanted(players: str) -> int:
    """Return how far back the former champions go that a spec of players names; 0 if it names none."""
    return max((int(back) for back in FORMER_CHAMPION.findall(players)), default=0)


def shipped_model(config: str) -> Path | None:
    """Return the file of the champion that comes with the package; None if none does."""
    path = SHIPPED / f"{config}.pth"
    return path if path.is_file() else None


def is_promoted(folder: Path, config: str) -> bool:
    """Whether a model has been promoted; also where one of its two files is missing, which reading it says."""
    path = promoted_model(folder, config)
    return path.exists() or path.with_suffix(".json").exists()


def find_champion(folder: Path, config: str) -> Path | None:
    """Return the file of the promoted model, else of the champion that comes with the package; None without either."""
    return promoted_model(folder, config) if is_promoted(folder, config) else shipped_model(config)


def champion_file(folder: Path, config: str) -> Path:
    """Return what `find_champion` finds; `MissingChampion` if that is nothing."""
    path = find_champion(folder, config)
    if path is None:
        raise MissingChampion(
            f"there is no champion of {config} in {folder} or in the package: `ringrift loop {config}` makes one"
        )
    return path
