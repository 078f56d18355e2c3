"""The integer networks of the model store: their files, their lineage, and the one that `nnue` plays with.

A network is one file, `<config>/<id>.nnue`, that carries its own checksum, and a row in the database. The network in
use has the status `production`; its copy, `ringrift_nnue_<config>.nnue`, is what players read. It follows the database,
so a promotion that was killed in between is finished by the next process that looks.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, select, update

from ringrift.files import new_file
from ringrift.game import parse_config
from ringrift.game_database import GamesDatabase
from ringrift.models.errors import AbsentModel, LostRace, UnknownModel
from ringrift.models.schema import nnue_networks
from ringrift.models.store import SHORTEST_NAME, Status, checked_status
from ringrift.nnue import SUFFIX, BadNnue, promoted_network, read_network, read_nnue_id


@dataclass(frozen=True)
class RegisteredNnue:
    """An integer network of the store."""

    id: str
    config: str
    status: Status
    path: str
    """The path of the file, in the folder of models; empty once the file has been pruned."""
    created: int
    """Seconds since 1970, UTC, as `judged`."""
    parent: str | None
    """The model whose values it learned; None if it learned from games, or from a player without a model."""
    training: Mapping[str, Any]
    """The facts that its training has recorded; empty if there are none."""
    number: int
    """The place in the order of registration, from 1."""
    judged: int | None
    """The time of its last match for promotion; None if it has played none."""
    verdict: Mapping[str, Any] | None
    """The report of its gate, as `NnueGateReport.to_json`."""

    @property
    def pruned(self) -> bool:
        """Whether its file has been given up."""
        return not self.path

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"pruned": self.pruned}


class NnueStore:
    """The integer networks of a database and a folder of models."""

    def __init__(self, database: GamesDatabase, folder: Path) -> None:
        """Make a store; `folder` holds the models of all configs, and the copies of the networks in use."""
        self.database = database
        self.folder = folder

    def path(self, network: RegisteredNnue) -> Path:
        """Return where the file of a network lies, or lay before it was pruned."""
        return self.folder / _relative_path(network.config, network.id)

    def register(self, path: Path) -> RegisteredNnue:
        """Take in a network, verified; it is in development.

        A file from elsewhere is copied. A network that is there already stays what it is, and gets a file that was lost
        or pruned back. `BadNnue` if the file is damaged.
        """
        stored = read_network(path)
        target = _relative_path(stored.config, stored.id)
        if path.resolve() != (self.folder / target).resolve():
            copy_file(path, self.folder / target)
        training = dict(stored.description.get("extra", {}).get("training") or {})
        with self.database.writing() as connection:
            number = 1 + (connection.execute(select(func.max(nnue_networks.c.number))).scalar() or 0)
            row = {
                "id": stored.id,
                "config": stored.config,
                "status": "development",
                "path": str(target),
                "created": int(time.time()),
                "parent": training.get("parent"),
                "training": orjson.dumps(training).decode(),
                "number": number,
            }
            connection.execute(self.database.insert(nnue_networks).values(**row))
            was_pruned = (nnue_networks.c.id == stored.id, nnue_networks.c.path == "")
            connection.execute(update(nnue_networks).where(*was_pruned).values(path=str(target)))
            network = find_network_row(connection, stored.id)
        assert network is not None
        return network

    def find(self, name: str) -> RegisteredNnue | None:
        """Return the network of a file *.nnue, of an id or of its first digits; None if the store has no such network.

        `BadNnue` if the file is damaged, `UnknownModel` if several begin with the digits.
        """
        if name.endswith(SUFFIX):
            name = read_nnue_id(Path(name))
        if len(name) < SHORTEST_NAME:
            return None
        query = select(nnue_networks).where(nnue_networks.c.id.startswith(name.lower(), autoescape=True)).limit(2)
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        if len(rows) > 1:
            raise UnknownModel(f"{name!r} is no model: several integer networks begin so, name it by more digits")
        return _network(rows[0]) if rows else None

    def listed(self, config: str | None = None, status: str | None = None) -> list[RegisteredNnue]:
        """Return the networks, the one that was registered last first."""
        query = select(nnue_networks).order_by(nnue_networks.c.number.desc())
        if config is not None:
            parse_config(config)
            query = query.where(nnue_networks.c.config == config)
        if status is not None:
            query = query.where(nnue_networks.c.status == checked_status(status))
        with self.database.reading() as connection:
            return [_network(row) for row in connection.execute(query)]

    def in_use(self, config: str) -> RegisteredNnue | None:
        """Return the promoted network of a config; None until there is one."""
        with self.database.reading() as connection:
            return _in_use(connection, config)

    def fault(self, network: RegisteredNnue, path: Path | None = None) -> str | None:
        """Return the fault of the file of a network, or of a copy of it at `path`; None if it is sound."""
        path = path or self.path(network)
        try:
            identity = read_nnue_id(path)
        except BadNnue as error:
            return str(error)
        return None if identity == network.id else f"{path}: is network {identity}, not {network.id}"

    def give_up_files(self, networks: Collection[str]) -> None:
        """Mark networks as pruned, by id; one that is in use by now is left as it is. Their files are not touched."""
        marked = update(nnue_networks).where(nnue_networks.c.id.in_(networks), nnue_networks.c.status != "production")
        with self.database.writing() as connection:
            connection.execute(marked.values(path=""))

    def settle(self, config: str) -> RegisteredNnue | None:
        """Let the copy that players read follow the database; return the network in use, None if there is none.

        A promoted network that is not in the database is taken in as the one in use. `AbsentModel` if the
        network's own file is damaged.
        """
        copy = promoted_network(self.folder, config)
        network = self.in_use(config)
        if network is None and copy.exists():
            network = self.register(copy)
            self.judge(network, None, expected=None, passed=True)
        elif network is not None and self.fault(network, copy) is not None:
            self._place(network)
        return self.in_use(config)

    def judge(
        self, network: RegisteredNnue, verdict: Mapping[str, Any] | None, *, expected: str | None, passed: bool
    ) -> None:
        """Keep the verdict of the gate, where it was asked; a network that passed is in use from now on.

        `LostRace` if the network in use is not `expected` (None: none) any more, as the match was against another then.
        """
        with self.database.writing() as connection:
            known = _in_use(connection, network.config)
            now = known.id if known else None
            if passed and now != expected:
                raise LostRace(
                    f"{network.config}: another process was quicker, the network in use is {now or 'none'} and not"
                    f" {expected or 'none'} any more: let {network.id} play for its promotion again"
                )
            candidate = find_network_row(connection, network.id)
            if passed and candidate is not None and candidate.pruned:
                raise AbsentModel(f"network {network.id}: its file has been pruned meanwhile; register a copy of it")
            if passed and known is not None:
                retired = update(nnue_networks).where(nnue_networks.c.id == known.id)
                connection.execute(retired.values(status="archived"))
            changes: dict[str, Any] = {}
            if verdict is not None:
                changes |= {"judged": int(time.time()), "verdict": orjson.dumps(verdict).decode()}
            if passed or network.status == "development":
                changes["status"] = "production" if passed else "rejected"
            if changes:
                connection.execute(update(nnue_networks).where(nnue_networks.c.id == network.id).values(**changes))
        if passed:
            self._place(network)

    def _place(self, network: RegisteredNnue) -> None:
        """Put a copy of a network where players look for it."""
        if (fault := self.fault(network)) is not None:
            raise AbsentModel(f"{fault}; `ringrift models register` takes a sound copy of it")
        copy_file(self.path(network), promoted_network(self.folder, network.config))


def _relative_path(config: str, identity: str) -> Path:
    return Path(config) / f"{identity}{SUFFIX}"


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, whole or not at all."""
    content = source.read_bytes()
    with new_file(target) as file:
        file.write(content)


def _in_use(connection: Connection, config: str) -> RegisteredNnue | None:
    of_config = (nnue_networks.c.config == config, nnue_networks.c.status == "production")
    row = connection.execute(select(nnue_networks).where(*of_config)).first()
    return None if row is None else _network(row)


def find_network_row(connection: Connection, identity: str) -> RegisteredNnue | None:
    """Return the network of an id; None if the store has none."""
    row = connection.execute(select(nnue_networks).where(nnue_networks.c.id == identity)).first()
    return None if row is None else _network(row)


def _network(row: Row[Any]) -> RegisteredNnue:
    texts = {"training": orjson.loads(row.training), "verdict": row.verdict and orjson.loads(row.verdict)}
    return RegisteredNnue(**{**row._mapping, **texts})
