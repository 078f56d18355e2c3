"""A training on another host: its data set and the model it starts from are brought there, and its model comes back.

Only what is missing there is sent, in blocks, so that a cut costs one of them; a file is there whole and with the right
checksum, or not at all. A data set's manifest goes last, when all its shards are there.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from ringrift.datasets.manifest import dataset_name, manifest_path, read_manifest
from ringrift.errors import Busy, UnwritableFile
from ringrift.files import take_lock
from ringrift.fleet.answers import STORED, WHOLE, StoredFile, checked, checked_lines, garbled
from ringrift.fleet.hosts import SyncSettings
from ringrift.fleet.mirror import checksum_of_file
from ringrift.fleet.shell import JobTrouble, Unreachable
from ringrift.fleet.ssh import SshShell
from ringrift.fleet.transfer import fetch_by_rsync, fetch_by_sftp, have_rsync
from ringrift.models.files import ModelFiles, write_files
from ringrift.networks import read_info
from ringrift.selfplay.hard_positions import regression_file

SCRIPT: Final = Path(__file__).with_name("stage.sh").read_text("utf-8")
BLOCK: Final = 1 << 24
"""Bytes that are sent at once."""
PAUSE: Final = 0.2
"""Seconds between two looks whether another process has brought its files."""
SECONDS: Final = 600.0
"""The time for a block, or for the checksums of all files."""
DATASETS: Final = "data/training"
RUNS: Final = "data/runs"
PARENT_FILES: Final = ("games.npy", "errors.npz")
"""The files of a run that the next training reads: the games that are known to it, and its network's errors on them."""
RUN_FILES: Final = ("report.json", "report.md", "report.png", "history.jsonl", *PARENT_FILES)
"""The files of a run that are of use when it is over."""


class Sent(NamedTuple):
    """The files that were missing on a host, and are there now."""

    files: int
    bytes: int


@dataclass(frozen=True)
class _There:
    """The files of a list that a host has."""

    home: str
    """Its folder, from the root on."""
    files: Mapping[str, StoredFile]
    """Those that are there."""


async def push_training(shell: SshShell, home: Path, config: str, parent: Path | None) -> Sent:
    """Bring the data set of a config, its regression set, and a model to start from, from one workspace to another.

    `parent` is a path in the folder `home`. Shards that the data set has no more are removed there, and so are the
    manifest of what is held out if nothing is any more, and a regression set that is gone here.
    """
    paths = await asyncio.to_thread(_training_files, home, config)
    kept = [Path(path).name for path in paths]
    regression = regression_file(config)
    has_regression = (home / regression).exists()
    paths += [str(regression)] if has_regression else []
    if parent is not None:
        paths += [str(parent), str(parent.with_suffix(".json"))]
        run = read_info(home / parent).extra.get("training", {}).get("run")
        files = (f"{RUNS}/{config}/{run}/{name}" for name in PARENT_FILES)
        paths += [path for path in files if (home / path).exists()]
    sent = await push_files(shell, home, paths)
    await _ask(shell, "clear", DATASETS, f"{config}-", *kept)
    await _ask(shell, "clear", DATASETS, dataset_name(config, "holdout"), *kept)
    if not has_regression:
        await _ask(shell, "clear", str(regression.parent), regression.name)
    return sent


async def fetch_training(
    shell: SshShell, home: Path, config: str, model: str, run: str, settings: SyncSettings
) -> Path:
    """Bring a model, and the report of its run, from one workspace to another; the path of its `.pth` in `home`."""
    files = {name: f"{RUNS}/{config}/{run}/{name}" for name in RUN_FILES}
    weights = f"models/{config}/{model}.pth"
    sidecar = str(Path(weights).with_suffix(".json"))
    staged = home / "data" / ".staged" / shell.name
    come = await fetch_files(shell, [weights, sidecar, *files.values()], staged, settings)
    for needed in (weights, sidecar):
        if needed not in come:
            raise JobTrouble(f"{shell.name}: {needed} is not there")
    for path in files.values():
        if path in come:
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (staged / path).replace(home / path)
    content = ModelFiles((staged / weights).read_bytes(), (staged / sidecar).read_bytes())
    write_files(home / weights, content)
    for path in (weights, sidecar):
        (staged / path).unlink()
    return Path(weights)


async def push_files(shell: SshShell, root: Path, paths: Sequence[str]) -> Sent:
    """Bring files to a host, each to the place below its folder that it has below `root`, in this order.

    Of several processes here that do so at the same time, one waits for the other, and finds the files there.
    """
    lock = await _lock(root / "data" / ".staged" / f"{shell.name}.lock")
    try:
        return await _push_files(shell, root, paths)
    finally:
        os.close(lock)


async def _lock(path: Path) -> int:
    """Wait until a file is locked; closing what is returned lets it go."""
    while True:
        try:
            return take_lock(path, path.parent, Busy("another process brings files to that host"))
        except Busy:
            await asyncio.sleep(PAUSE)


async def _push_files(shell: SshShell, root: Path, paths: Sequence[str]) -> Sent:
    there = await _what_is_there(shell, paths)
    files = size = 0
    for path in paths:
        source = root / path
        checksum = await asyncio.to_thread(checksum_of_file, source)
        if path in there.files and there.files[path].checksum == checksum:
            continue
        await _send(shell, source, path, checksum)
        files, size = files + 1, size + source.stat().st_size
    return Sent(files, size)


async def fetch_files(shell: SshShell, paths: Sequence[str], into: Path, settings: SyncSettings) -> list[str]:
    """Bring files of a host's folder to `into`, whole and with the right checksum; those that were there.

    `Unreachable` if one came damaged: another try brings it again.
    """
    there = await _what_is_there(shell, paths)
    present = list(there.files)
    for path in present:
        try:
            target = into / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists() and target.stat().st_size > there.files[path].size:
                target.unlink()
        except OSError as error:
            raise UnwritableFile(f"{into}: cannot be written ({error.strerror or error})") from None
    rsync = have_rsync() and (await shell.run(b"command -v rsync\n")).code == 0
    await (fetch_by_rsync if rsync else fetch_by_sftp)(shell, there.home, present, into, settings)
    for path in present:
        target = into / path
        if not target.exists() or await asyncio.to_thread(checksum_of_file, target) != there.files[path].checksum:
            target.unlink(missing_ok=True)
            raise Unreachable(f"{shell.name}: {path} came damaged")
    return present


def _training_files(home: Path, config: str) -> list[str]:
    """The paths of a config's data set and of what is held out, each manifest after its shards."""
    paths: list[str] = []
    for part in ("training", "holdout"):
        path = manifest_path(home / DATASETS, dataset_name(config, part))
        if part == "holdout" and not path.exists():
            continue
        shards = [shard.name for shard in read_manifest(path).shards]
        paths += [f"{DATASETS}/{name}" for name in [*shards, path.name]]
    return paths


async def _send(shell: SshShell, source: Path, path: str, checksum: str) -> None:
    size = source.stat().st_size
    offset = checked(WHOLE, (await _ask(shell, "begun", path)).strip(), shell.name, "how much of a file has come")
    if offset > size:
        offset = 0
    with source.open("rb") as file:
        file.seek(offset)
        while True:
            block = await asyncio.to_thread(file.read, BLOCK)
            await _ask(shell, "add", path, str(offset), content=block)
            offset += len(block)
            if offset >= size:
                break
    await _ask(shell, "finish", path, checksum)


async def _what_is_there(shell: SshShell, paths: Sequence[str]) -> _There:
    answer = await _ask(shell, "sums", *paths)
    home, *lines = answer.splitlines() or [""]
    if not home.startswith("/"):
        raise garbled(shell.name, "its folder", answer)
    files = zip(paths, checked_lines(STORED, lines, len(paths), shell.name, "checksums"), strict=True)
    return _There(home, {path: file for path, file in files if file.checksum != "none"})


async def _ask(shell: SshShell, verb: str, *words: str, content: bytes = b"") -> str:
    script = f"set -- {shlex.join([verb, shell.host.home, *words])}\n{SCRIPT}"
    answer = await shell.feed(script, content, seconds=SECONDS)
    if answer.code:
        message = (answer.err.splitlines() or [f"exit code {answer.code}"])[-1]
        raise JobTrouble(f"{shell.name}: {message}")
    return answer.out.decode(errors="surrogateescape")  # its folder may have any name
