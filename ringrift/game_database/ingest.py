"""Ingest: new lines of files of records become games of the database, each replayed by the rules.

Lines are read in batches, across files. A batch is judged by one of several threads, which mostly runs compiled code
and compression without the interpreter's lock, and is written, with how far its files have been read, in one
transaction. So the work may be killed at any moment, run again, and be done by several processes at once.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ringrift.game_database.admission import Line, TurnedAway, admit
from ringrift.game_database.database import GamesDatabase
from ringrift.game_database.pool import Rows, Stored, make_rows, write_rows
from ringrift.game_database.settings import IngestSettings
from ringrift.game_database.sources import Progress, find_files, open_source, save_progress
from ringrift.kernels.threads import default_threads
from ringrift.run_context import RunContext

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class IngestReport:
    """The result of an ingest."""

    database: str
    files: int
    """The number of files of records."""
    unchanged: int
    """The files of which nothing was new."""
    lines: int
    """New lines that were read."""
    added: dict[str, int]
    """New games by config."""
    duplicates: int
    """Games that the database had already."""
    played_twice: int
    """The duplicates whose stored playing ended at another moment."""
    quarantined: dict[str, int]
    """Lines by the reason why they are no games."""
    torn: int
    """Files whose last line has no end yet."""
    notes: dict[str, str]
    """The faults of files, by path."""
    seconds: float
    complete: bool
    """Whether all files were read to their end; not if the work was stopped."""

    @property
    def games(self) -> int:
        """New games in all."""
        return sum(self.added.values())

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"games": self.games}

    def reasons(self) -> list[str]:
        """Return the reasons why there is no new game, or fewer than expected, a line each."""
        lines = []
        if not self.files:
            lines.append("nothing to do: there are no .jsonl or .jsonl.gz files")
        elif self.complete and not self.lines:
            lines.append(f"nothing to do: {self.files} files have no new lines since the last ingest")
        if self.duplicates:
            lines.append(f"{self.duplicates} games were in the database already")
        if self.played_twice:
            lines.append(
                f"{self.played_twice} of them were played twice: by two machines of one name, which need a --host of "
                "their own, or again after a crash"
            )
        if self.torn:
            lines.append(f"{self.torn} files end in a line that is not complete; it is left for the next ingest")
        lines += [f"{path}: {note}" for path, note in self.notes.items()]
        if not self.complete:
            lines.append("stopped before the end; the next ingest goes on from here")
        return lines


@dataclass
class _Batch:
    """Lines of one or several files, and the progress of reading these after them."""

    lines: list[Line] = field(default_factory=list)
    bytes: int = 0
    progress: dict[int, Progress] = field(default_factory=dict)
    """The progress by source."""


@dataclass
class _Tally:
    """The totals so far."""

    unchanged: int = 0
    torn: int = 0
    notes: dict[str, str] = field(default_factory=dict)
    bytes_done: int = 0
    """The bytes of the files, as they lie on disk."""
    complete: bool = True


def ingest(
    database: GamesDatabase,
    places: Iterable[Path],
    context: RunContext[IngestSettings],
    *,
    threads: int | None = None,
) -> IngestReport:
    """Read what is new in files and folders into the database.

    Cancelled, it ends after the batch at hand. `UnreadableSource` if a place does not exist, `BadDatabase` if the
    database cannot be written.
    """
    began = time.monotonic()
    settings = context.settings
    threads = threads or default_threads()
    files = find_files(places)
    total = sum(_size(path) for path in files)
    stored_positions: dict[int, int] = {}
    tally = _Tally()
    lines = 0
    duplicates = played_twice = 0
    added: Counter[str] = Counter()
    quarantined: Counter[str] = Counter()
    waiting: deque[tuple[_Batch, int, Future[Rows]]] = deque()

    def write_first() -> None:
        nonlocal lines, duplicates, played_twice
        batch, bytes_done, judged = waiting.popleft()
        stored = _write(database, batch, judged.result(), stored_positions)
        lines += len(batch.lines)
        duplicates += stored.duplicates
        played_twice += stored.played_twice
        added.update(stored.added)
        quarantined.update(stored.quarantined)
        context.progress("reading", bytes_done / total if total else 1.0, 1, f"{added.total():,} new games")

    with ThreadPoolExecutor(threads) as pool:
        try:
            for batch in _batches(database, files, context, stored_positions, tally):
                waiting.append((batch, tally.bytes_done, pool.submit(_judge, batch.lines, settings)))
                if len(waiting) > threads:
                    write_first()
            while waiting:
                write_first()
        finally:
            pool.shutdown(cancel_futures=True)
    return IngestReport(
        database=database.name,
        files=len(files),
        unchanged=tally.unchanged,
        lines=lines,
        added=dict(added),
        duplicates=duplicates,
        played_twice=played_twice,
        quarantined=dict(quarantined),
        torn=tally.torn,
        notes=tally.notes,
        seconds=time.monotonic() - began,
        complete=tally.complete,
    )


def _batches(
    database: GamesDatabase,
    files: list[Path],
    context: RunContext[IngestSettings],
    stored_positions: dict[int, int],
    tally: _Tally,
) -> Iterator[_Batch]:
    """Yield all new lines of the files in batches."""
    batch = _Batch()
    settings = context.settings
    longest = settings.longest_line_megabytes * MEGABYTE
    done = 0
    for path in files:
        try:
            reader = open_source(database, path)
        except OSError as error:  # moved or compressed since it was listed: the next ingest lists it again
            tally.notes[str(path)] = f"cannot be read ({error.strerror or error})"
            continue
        if reader is None:
            tally.unchanged += 1
            done += _size(path)
            tally.bytes_done = done
            continue
        with reader:
            stored_positions[reader.source] = reader.stored
            for line in reader.lines(longest):
                batch.lines.append(line)
                batch.bytes += len(line.raw)
                if len(batch.lines) == settings.batch_games or batch.bytes >= settings.batch_megabytes * MEGABYTE:
                    batch.progress[reader.source] = reader.progress
                    tally.bytes_done = done + reader.bytes_read
                    yield batch
                    batch = _Batch()
                    if context.cancelled:
                        tally.complete = False
                        return
            done += reader.bytes_read
            batch.progress[reader.source] = reader.progress
            tally.torn += reader.torn
            if reader.progress.note:
                tally.notes[str(path)] = reader.progress.note
    tally.bytes_done = done
    if batch.progress:
        yield batch


def _judge(lines: list[Line], settings: IngestSettings) -> Rows:
    """Judge the lines of a batch, in a thread."""
    longest = settings.longest_line_megabytes * MEGABYTE
    long = [line for line in lines if len(line.raw) >= longest and not line.raw.endswith(b"\n")]
    verdicts = admit([line for line in lines if line not in long]) if long else admit(lines)
    detail = f"is longer than {settings.longest_line_megabytes} MB"
    return make_rows([*verdicts, *(TurnedAway(line, "too_long", detail) for line in long)])


def _write(database: GamesDatabase, batch: _Batch, rows: Rows, stored_positions: dict[int, int]) -> Stored:
    """Write a batch in one transaction."""
    with database.writing() as connection:
        stored = write_rows(database, connection, rows)
        for source, progress in sorted(batch.progress.items()):
            save_progress(connection, source, stored_positions[source], progress)
    for source, progress in batch.progress.items():
        stored_positions[source] = progress.position
    return stored


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
