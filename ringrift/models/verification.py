"""The verification of the files of models against the database, and the repair of those with a sound copy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ringrift.agents import promoted_model
from ringrift.errors import RingRiftError
from ringrift.models.champion import look_at_champion, mend_champion
from ringrift.models.files import checksum, read_files, remove_files, write_files
from ringrift.models.nnue_store import NnueStore, RegisteredNnue, copy_file
from ringrift.models.store import ModelStore, StoredModel
from ringrift.nnue import SUFFIX, promoted_network
from ringrift.run_context import RunContext


@dataclass(frozen=True)
class Fault:
    """A fault in the files of models."""

    config: str
    model: str | None
    """Its id; None for files that no model of the database has."""
    detail: str
    repaired: bool


@dataclass(frozen=True)
class VerifyReport:
    """The result of a verification."""

    models: int
    """The number of models whose files were read."""
    champions: int
    faults: tuple[Fault, ...]
    unregistered: tuple[str, ...]
    """Model files without a row: left by a training that was killed, as a rule."""

    @property
    def left(self) -> int:
        """The number of faults that are left."""
        return sum(not fault.repaired for fault in self.faults)

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"left": self.left}


def verify(
    store: ModelStore,
    context: RunContext[object],
    *,
    config: str | None = None,
    repair: bool = False,
) -> VerifyReport:
    """Compare the checksums of all files with the database; `repair` restores files of which there is a sound copy."""
    listed = store.listed(config)
    faults: list[Fault] = []
    for number, model in enumerate(listed):
        context.progress("verifying", number, len(listed))
        if model.pruned is None:
            faults += _verify(store, model, repair)
        elif store.path(model).exists():
            faults.append(_leftover(model, store.path(model), repair and remove_files(store.path(model))))
    champions = 0
    for name in sorted({model.config for model in listed}):
        champion, state, detail = look_at_champion(store, name)
        champions += champion is not None
        if state != "sound":
            repaired = (
                repair and champion is not None and _succeeds(partial(mend_champion, store, name, overwrite=True))
            )
            faults.append(Fault(name, champion.id if champion else None, detail, repaired))
    nnue_store = NnueStore(store.database, store.folder)
    networks = nnue_store.listed(config)
    for network in networks:
        if not network.pruned:
            faults += _verify_network(nnue_store, network, repair)
        elif (path := nnue_store.path(network)).exists():
            faults.append(_leftover(network, path, repair and remove_files(path)))
    known = {store.path(model) for model in listed} | {nnue_store.path(network) for network in networks}
    return VerifyReport(
        models=sum(model.pruned is None for model in listed) + sum(not network.pruned for network in networks),
        champions=champions + sum(network.status == "production" for network in networks),
        faults=tuple(faults),
        unregistered=tuple(map(str, _unregistered(store.folder, known, config))),
    )


def _leftover(model: StoredModel | RegisteredNnue, path: Path, repaired: bool) -> Fault:
    """Return the fault of a file that has outlived its pruning."""
    return Fault(model.config, model.id, f"{path}: is there, though it has been pruned", repaired)


def _verify(store: ModelStore, model: StoredModel, repair: bool) -> Iterator[Fault]:
    """Yield the faults of a model's files; the champion's are restored from those that self-play reads."""
    detail = store.fault(model)
    if detail is None:
        return
    repaired = False
    if repair and model.status == "production":
        repaired = _restore(store, model)
    yield Fault(model.config, model.id, detail, repaired)


def _verify_network(store: NnueStore, network: RegisteredNnue, repair: bool) -> Iterator[Fault]:
    """Yield the faults of the file of an integer network, and of the copy of the one in use."""
    path, copy = store.path(network), promoted_network(store.folder, network.config)
    fault = store.fault(network)
    in_use = network.status == "production"
    if fault is not None:
        has_copy = in_use and store.fault(network, copy) is None
        yield Fault(network.config, network.id, fault, repair and has_copy and _copies(copy, path))
    if in_use and (wrong := store.fault(network, copy)) is not None:
        yield Fault(network.config, network.id, wrong, repair and fault is None and _copies(path, copy))


def _copies(source: Path, target: Path) -> bool:
    return _succeeds(partial(copy_file, source, target))


def _restore(store: ModelStore, model: StoredModel) -> bool:
    try:
        files = read_files(promoted_model(store.folder, model.config))
    except OSError:
        return False
    if (checksum(files.weights), checksum(files.sidecar)) != (model.sha256, model.sidecar):
        return False
    return _succeeds(partial(write_files, store.path(model), files))


def _succeeds(work: Callable[[], object]) -> bool:
    try:
        work()
    except RingRiftError:
        return False
    return True


def _unregistered(folder: Path, known: Collection[Path], config: str | None) -> Iterator[Path]:
    """Yield the files of models, in the folder of all configs or of one, that are not among the known ones."""
    for inner in sorted(folder.iterdir() if folder.is_dir() else ()):
        if inner.is_dir() and (config is None or inner.name == config):
            files = sorted([*inner.glob("*.pth"), *inner.glob(f"*{SUFFIX}")])
            yield from (path for path in files if path not in known)
