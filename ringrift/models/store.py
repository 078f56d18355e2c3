"""The model store: the models, their files, and the status of each.

A model is two files, `<config>/<id>.pth` and `.json`, in the folder of models, and a row in the database. The row is
written after the files and outlives them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal

import orjson
from sqlalchemy import Connection, Row, func, select, update

from ringrift.clock import seconds_since
from ringrift.game import parse_config
from ringrift.game_database import GamesDatabase
from ringrift.game_database.counters import count
from ringrift.models.errors import AbsentModel, UnknownModel
from ringrift.models.files import ModelFiles, checksum, read_files, write_files
from ringrift.models.schema import models

Status = Literal["development", "staging", "production", "archived", "rejected"]
STATUSES: Final[Mapping[Status, str]] = {
    "development": "registered, and not judged yet",
    "staging": "has passed the gate, and is not champion yet",
    "production": "the champion of its config",
    "archived": "a former champion",
    "rejected": "refused by the gate",
}

ID_DIGITS: Final = 16
SHORTEST_NAME: Final = 4
"""The least digits by which a model may be named, if no other one begins with them."""


@dataclass(frozen=True)
class StoredModel:
    """A row of the store."""

    id: str
    config: str
    status: Status
    path: str
    """The path of the `.pth` file, in the folder of models."""
    sha256: str
    sidecar: str
    """The SHA-256 of the `.json` file."""
    created: int
    """Seconds since 1970, UTC, as the next."""
    pruned: int | None
    """The time at which its files were removed; None while they are kept."""
    parent: str | None
    training: Mapping[str, Any]
    """The facts that its training has recorded; empty if there are none."""
    number: int = 0
    """The place in the order of registration, from 1."""

    @property
    def is_experiment(self) -> bool:
        """Whether it was made by tuning, which measures hyper-parameters, and not by the loop."""
        return "tuning" in self.training

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self)


class ModelStore:
    """The models of a database and a folder."""

    def __init__(self, database: GamesDatabase, folder: Path) -> None:
        """Make a store; `folder` holds the models of all configs, and the champions' files for other readers."""
        self.database = database
        self.folder = folder

    def path(self, model: StoredModel) -> Path:
        """Return the path of its `.pth` file; the `.json` lies beside it."""
        return self.folder / model.path

    def register(self, path: Path) -> StoredModel:
        """Take in a model of a `.pth` file and the `.json` beside it, verified by loading it; it is in development.

        Files from elsewhere are copied. A model that is there already stays what it is; one whose files have been
        pruned, or are not as they were, gets them back. Raises what `load_model` raises.
        """
        described, files = _described(path)
        new = replace(described, path=f"{described.config}/{described.id}.pth")
        with self.database.reading() as connection:
            known = find_row(connection, new.id)
        if known is not None and known.pruned is None and self.fault(known) is None:
            return known
        if path.resolve() != self.path(new).resolve():
            write_files(self.path(new), files)
        with self.database.writing() as connection:
            number = 1 + (connection.execute(select(func.max(models.c.number))).scalar() or 0)
            row = asdict(new) | {"training": orjson.dumps(new.training).decode(), "number": number}
            if connection.execute(self.database.insert(models).values(**row)).rowcount and new.training:
                count(connection, "trainings", new.config, "completed")
            again = {"pruned": None, "sidecar": new.sidecar, "path": new.path}
            connection.execute(update(models).where(models.c.id == new.id).values(**again))
            stored = find_row(connection, new.id)
        assert stored is not None
        return stored

    def find(self, name: str, config: str | None = None) -> StoredModel:
        """Return the model of an id or its first digits; `UnknownModel` if none, several or one of another config."""
        digits = name.lower()
        with self.database.reading() as connection:
            ids = list(connection.execute(select(models.c.id)).scalars())
            matching = [identity for identity in ids if identity.startswith(digits)]
            if len(matching) == 1 and len(digits) >= SHORTEST_NAME:
                model = find_row(connection, matching[0])
        if len(matching) > 1 or len(digits) < SHORTEST_NAME:
            raise UnknownModel(
                f"{name!r} is no model: name it by {SHORTEST_NAME} or more digits that only it begins with"
            )
        if not matching:
            close = get_close_matches(digits, ids, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else "`ringrift models list` shows them all"
            raise UnknownModel(f"there is no model {name!r}; {hint}")
        assert model is not None
        if config is not None and model.config != config:
            raise UnknownModel(f"model {model.id} is for {model.config}, not for {config}")
        return model

    def listed(self, config: str | None = None, status: str | None = None) -> list[StoredModel]:
        """Return the models, the newest first; those whose files are pruned too.

        Newer is what was registered later, and every model than its ancestors: a copy of old files, a restored backup
        or a clock that was wrong changes no order.
        """
        query = select(models)
        if config is not None:
            parse_config(config)
            query = query.where(models.c.config == config)
        if status is not None:
            checked_status(status)
        with self.database.reading() as connection:
            stored = [stored_model(row) for row in connection.execute(query)]
        return [model for model in newest_first(stored) if status in (None, model.status)]

    def champion(self, config: str) -> StoredModel | None:
        """Return the champion of a config; None until there is one."""
        with self.database.reading() as connection:
            return champion_row(connection, config)

    def read(self, model: StoredModel) -> ModelFiles:
        """Return the bytes of its files, which are those that were registered; `AbsentModel` if they are not."""
        if model.pruned is not None:
            raise AbsentModel(f"model {model.id}: its files have been pruned; register a copy of them")
        path = self.path(model)
        try:
            files = read_files(path)
        except OSError as error:
            raise AbsentModel(f"{error.filename}: cannot be read ({error.strerror}); register a copy of it") from None
        for content, expected, file in (
            (files.weights, model.sha256, path),
            (files.sidecar, model.sidecar, path.with_suffix(".json")),
        ):
            if checksum(content) != expected:
                raise AbsentModel(f"{file}: is not what was registered as {model.id}; register a sound copy")
        return files

    def fault(self, model: StoredModel) -> str | None:
        """Return the fault of its files; None if they are sound."""
        try:
            self.read(model)
        except AbsentModel as error:
            return str(error)
        return None


def checked_status(status: str) -> str:
    """Return a status if it exists; else `UnknownModel`."""
    if status not in STATUSES:
        raise UnknownModel(f"no model has the status {status!r}; they are {', '.join(STATUSES)}")
    return status


def newest_first(stored: Sequence[StoredModel]) -> list[StoredModel]:
    """Return models by order of registration, the latest first, but none before its descendants."""
    by_id = {model.id: model for model in stored}
    ranks: dict[str, tuple[int, int]] = {}
    """The ranks by id: the latest registration of a model and its ancestors, and how many of these there are."""
    for model in stored:
        line: dict[str, StoredModel] = {}
        ancestor: StoredModel | None = model
        # Damaged records of parents may form a circle.
        while ancestor is not None and ancestor.id not in ranks and ancestor.id not in line:
            line[ancestor.id] = ancestor
            ancestor = by_id.get(ancestor.parent or "")
        latest, ancestors = ranks.get(ancestor.id, (0, -1)) if ancestor else (0, -1)
        for ancestor in reversed(line.values()):
            latest, ancestors = max(latest, ancestor.number), ancestors + 1
            ranks[ancestor.id] = latest, ancestors
    return sorted(stored, key=lambda model: (*ranks[model.id], model.id), reverse=True)


def unregistered(path: Path) -> StoredModel:
    """Return the model of a file that stays where it is and need not be registered; raises what `load_model` raises."""
    return _described(path)[0]


def _described(path: Path) -> tuple[StoredModel, ModelFiles]:
    """Return what a `.pth` file and the `.json` beside it say of a model, verified by loading it, and their bytes."""
    from ringrift.networks import DamagedModel, load_model, read_info  # late: torch is slow to import

    load_model(path)
    files = read_files(path)
    info = read_info(path)
    sha256 = checksum(files.weights)
    if orjson.loads(files.sidecar)["sha256"] != sha256:
        raise DamagedModel(f"{path}: was replaced while it was read: run it again")
    training = info.extra.get("training") or {}
    model = StoredModel(
        id=sha256[:ID_DIGITS],
        config=f"{info.network.board}_{info.network.players}p",
        status="development",
        path=str(path.resolve()),
        sha256=sha256,
        sidecar=checksum(files.sidecar),
        created=_created(training),
        pruned=None,
        parent=training.get("parent"),
        training=training,
    )
    return model, files


def _created(training: Mapping[str, Any]) -> int:
    """Return the time when a model was made, by its training; now, if that is missing or lies in the future."""
    stated = training.get("created")
    if isinstance(stated, int | float) and stated > 0 and seconds_since(stated, "the creation of a model") is not None:
        return int(stated)
    return int(time.time())


def stored_model(row: Row[Any]) -> StoredModel:
    """Return the model of a row of the table."""
    return StoredModel(**{**row._mapping, "training": orjson.loads(row.training)})


def find_row(connection: Connection, model: str) -> StoredModel | None:
    """Return the model of an id; None if the store has none."""
    row = connection.execute(select(models).where(models.c.id == model)).first()
    return None if row is None else stored_model(row)


def champion_row(connection: Connection, config: str) -> StoredModel | None:
    """Return the champion of a config; None if it has none."""
    in_production = models.c.status == "production"
    row = connection.execute(select(models).where(models.c.config == config, in_production)).first()
    return None if row is None else stored_model(row)


def newest_trained(connection: Connection, config: str) -> StoredModel | None:
    """Return the model of a config that was registered last of those with facts of their training, by an index."""
    of_training = (models.c.config == config, models.c.training != "{}")
    row = connection.execute(select(models).where(*of_training).order_by(models.c.number.desc()).limit(1)).first()
    return None if row is None else stored_model(row)
