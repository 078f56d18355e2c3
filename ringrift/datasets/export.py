"""Export: games of the database become a data set, and those held out another one.

Games are read a shard at a time; those of a shard that is not there yet are replayed and encoded by all cores, page by
page, straight into its arrays. The same games give the same files, in whatever order they came in and whatever was
exported before. While one page is worked on, the next one is unpacked, and the next shard's are read.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import orjson
from sqlalchemy import Row

from ringrift import __version__
from ringrift.datasets.game_selection import (
    EmptySelection,
    Filters,
    FilterStep,
    GameSelection,
    SelectedGame,
    StoredGame,
    read_records,
    read_rows,
    select_games,
)
from ringrift.datasets.layout import FACTS, Layout
from ringrift.datasets.manifest import FORMAT, Manifest, dataset_name, manifest_path
from ringrift.datasets.quality import Gathered, dataset_quality, game_quality
from ringrift.datasets.sample_weights import kind_weights, write_sample_weights
from ringrift.datasets.samples import check_counts, replay_and_count, write_samples
from ringrift.datasets.settings import DatasetSettings
from ringrift.datasets.sharding import blocks, shard_key
from ringrift.datasets.shards import Arrays, game_identities
from ringrift.datasets.td_returns import write_td_returns
from ringrift.datasets.writer import DatasetWriter, new_dataset, remove_dataset
from ringrift.game_database import GamesDatabase
from ringrift.game_database.selection import Part
from ringrift.run_context import Cancelled, RunContext
from ringrift.selfplay import GameRecord

PAGE_GAMES: Final = {"square8": 256, "hex8": 256, "square19": 64, "hexagonal": 32}
"""The number of games that are worked on at once: some 50,000 actions, enough for all cores and a few megabytes."""

PARTS: Final = ("reading", "replay", "encoding", "writing")
"""The parts of an export by time: waiting for the database, replaying, encoding, and the disk."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class ExportReport:
    """The result of an export."""

    dataset: str
    """The path of the manifest."""
    part: Part
    games: int
    samples: int
    kept: int
    """The number of samples of shards that were there already."""
    policies: int
    """The number of samples that have a policy."""
    shards: int
    bytes: int
    steps: tuple[FilterStep, ...]
    """The conditions on games, and how many games each has left."""
    seconds: float
    parts: dict[str, float]
    """The seconds of each of `PARTS`."""

    def to_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return asdict(self)


@dataclass(frozen=True)
class Share:
    """A part of the shards of a data set, so that several machines can write it together."""

    number: int
    """The number of the share, from 1 on."""
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True)
class ShareReport:
    """The result of a share of an export: shards that the whole export finds to be there."""

    dataset: str
    part: Part
    share: str
    shards: int
    samples: int
    kept: int
    """The number of samples of shards that were there already."""
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return asdict(self)


@dataclass
class _Clock:
    """The seconds that each part of an export has taken."""

    parts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    _since: float = field(default_factory=time.monotonic)

    def note(self, part: str) -> None:
        """Add the time since the last note."""
        now = time.monotonic()
        self.parts[part] += now - self._since
        self._since = now


@dataclass
class _Tally:
    """Statistics of the games of a data set."""

    good: int = 0
    """The number of games that are good enough, whether they have samples or not."""
    best: float = 0.0
    """The highest quality of a game."""
    games: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    wins: Counter[int] = field(default_factory=Counter)
    engines: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    ended: list[int] = field(default_factory=list)
    """The times when the first and the last game ended, in seconds since 1970."""
    gathered: Gathered = field(default_factory=Gathered)
    identities: Any = field(default_factory=lambda: blake2b(digest_size=16))

    def keep(self, stored: list[StoredGame], arrays: Arrays) -> None:
        """Count the games of a shard that is there."""
        written = set(game_identities(arrays))
        self.gathered.add(arrays["facts"], arrays["outcome_values"], int(arrays["has_policy"].sum()))
        for game, row, _ in stored:
            if game.identity in written:
                self.add(game, row)

    def add(self, game: SelectedGame, row: Row[Any]) -> None:
        """Count a game that is in the data set."""
        self.games += 1
        self.kinds[game.kind] += 1
        self.wins[game.winner or 0] += 1
        self.engines.update(orjson.loads(row.engines))
        self.models.update(model for model in orjson.loads(row.models) if model)
        self.runs[row.run] += 1
        self.ended = [min([game.ended, *self.ended]), max([game.ended, *self.ended])]
        self.identities.update(game.identity)


def export(
    database: GamesDatabase,
    config: str,
    context: RunContext[DatasetSettings],
    *,
    folder: Path | None = None,
    filters: Filters | None = None,
    threads: int | None = None,
    afresh: bool = False,
) -> list[ExportReport]:
    """Write the data set of a config, and that of the games held out, if there are any.

    Shards that are there already are not written again, but for `afresh`.
    `EmptySelection` if there is nothing to train on, `LeakedGame` if a game is in the wrong one, `UnwritableFile` if
    the disk is full; the data sets of before are then as they were.
    """
    filters = filters or Filters()
    work = _work(database, config, context, folder, threads, afresh)
    selection = work.select("training", filters)
    reports = [work.write(selection, filters)]
    try:
        filters = _as_far_back(selection, filters)
        reports.append(work.write(work.select("holdout", filters), filters))
    except EmptySelection:  # a small pool may have none, and that of another pool does not go with it
        remove_dataset(work.folder, dataset_name(config, "holdout"))
    return reports


def export_share(
    database: GamesDatabase,
    config: str,
    context: RunContext[DatasetSettings],
    share: Share,
    *,
    folder: Path | None = None,
    filters: Filters | None = None,
    threads: int | None = None,
) -> list[ShareReport]:
    """Write some of the shards that the export of a config will need, beside other machines that write others.

    All of them see the same database and the same folder. The `export` that follows finds the shards there, writes
    what is missing and the manifest: its files are those of an export without shares, byte by byte.
    """
    filters = filters or Filters()
    work = _work(database, config, context, folder, threads, afresh=False)
    selection = work.select("training", filters)
    reports = [work.write_share(selection, share)]
    try:
        held_out = work.select("holdout", _as_far_back(selection, filters))
    except EmptySelection:  # a small pool may have none
        return reports
    return [*reports, work.write_share(held_out, share)]


def _work(
    database: GamesDatabase,
    config: str,
    context: RunContext[DatasetSettings],
    folder: Path | None,
    threads: int | None,
    afresh: bool,
) -> _Work:
    layout = Layout(config, context.settings.encoder)
    return _Work(database, layout, folder or Path(context.settings.folder), context, threads, afresh)


def _as_far_back(selection: GameSelection, filters: Filters) -> Filters:
    """Return the filters of the games held out: as old as the others at most, of players of the same strength."""
    return filters if selection.since is None else replace(filters, since=max(selection.since, filters.since or 0))


@dataclass(frozen=True, eq=False)
class _Work:
    """An export of one config."""

    database: GamesDatabase
    layout: Layout
    folder: Path
    context: RunContext[DatasetSettings]
    threads: int | None
    afresh: bool

    @property
    def settings(self) -> DatasetSettings:
        """The settings of the export."""
        return self.context.settings

    def select(self, part: Part, filters: Filters) -> GameSelection:
        """Return the games of a part; `EmptySelection`."""
        window = self.settings.window if part == "training" else None
        return select_games(self.database, self.layout.config, part, self.settings.games, window, filters)

    def write_share(self, selection: GameSelection, share: Share) -> ShareReport:
        """Write a share of the shards of one data set, and no manifest."""
        began = time.monotonic()
        name = dataset_name(self.layout.config, selection.part)
        most = shard_samples(self.settings, self.layout)
        with new_dataset(self.folder, name, self.layout, most, shared=True) as writer:
            self._fill(writer, selection, share, _Tally(), _Clock())
            shards = writer.finish()
        return ShareReport(
            dataset=str(manifest_path(self.folder, name)),
            part=selection.part,
            share=str(share),
            shards=len(shards),
            samples=writer.samples,
            kept=writer.kept,
            seconds=time.monotonic() - began,
        )

    def _fill(
        self, writer: DatasetWriter, selection: GameSelection, share: Share, tally: _Tally, clock: _Clock
    ) -> None:
        """Write the shards of a share, or find them to be there; `Cancelled`."""
        kinds = kind_weights(selection.kinds, self.settings.sample_weights)
        done = 0
        for block, stored in _ahead(self._blocks(selection, share)):
            clock.note("reading")
            key = shard_key(self.layout, self.settings, kinds, stored)
            kept = None if self.afresh else writer.keep(key)
            if kept is not None:
                tally.keep(stored, kept)
            for step, page in () if kept is not None else _ahead(self._pages(stored)):
                clock.note("reading")
                self._add(writer, *page, kinds, tally, clock)
                self._tell(selection, done + step, writer)
                if self.context.cancelled:
                    raise Cancelled(
                        f"{manifest_path(self.folder, writer.name)}: stopped; the data set that was there before is "
                        "untouched, and the same export goes on where this one has stopped"
                    )
            done += len(block)
            tally.gathered.add(writer.buffer.facts, writer.buffer.outcome_values, writer.buffer.policies)
            writer.write(key)
            clock.note("writing")
            self._tell(selection, done, writer)

    def write(self, selection: GameSelection, filters: Filters) -> ExportReport:
        """Write one data set."""
        began = time.monotonic()
        clock = _Clock()
        tally = _Tally()
        name = dataset_name(self.layout.config, selection.part)
        path = manifest_path(self.folder, name)
        most = shard_samples(self.settings, self.layout)
        with new_dataset(self.folder, name, self.layout, most) as writer:
            self._fill(writer, selection, Share(1, 1), tally, clock)
            if not tally.games:
                raise EmptySelection(self._nothing(selection, tally))
            shards = writer.finish()
            steps = (*selection.steps, FilterStep(self._quality + "have samples", tally.games))
            manifest = Manifest(
                format=FORMAT,
                config=self.layout.config,
                encoder=self.layout.encoder,
                part=selection.part,
                holdout_share=self.database.settings.holdout_share,
                samples=writer.samples,
                policies=writer.policies,
                games=tally.games,
                shards=shards,
                provenance=self._provenance(filters, steps, tally),
            )
            writer.publish(manifest)
        clock.note("writing")
        return ExportReport(
            dataset=str(path),
            part=selection.part,
            games=manifest.games,
            samples=manifest.samples,
            kept=writer.kept,
            policies=manifest.policies,
            shards=len(manifest.shards),
            bytes=sum(shard.bytes for shard in manifest.shards),
            steps=steps,
            seconds=time.monotonic() - began,
            parts=clock.parts,
        )

    def _blocks(self, selection: GameSelection, share: Share) -> Iterator[tuple[list[SelectedGame], list[StoredGame]]]:
        """Yield the games of every shard of a share, and their rows."""
        all_blocks = blocks(selection.games, shard_samples(self.settings, self.layout))
        for block in islice(all_blocks, share.number - 1, None, share.of):
            yield block, read_rows(self.database, selection.part, block, reanalysed=self.settings.reanalysed)

    def _pages(self, stored: list[StoredGame]) -> Iterator[tuple[int, tuple[list[StoredGame], list[GameRecord]]]]:
        """Yield the games of a shard a page at a time, with the number of games so far."""
        size = PAGE_GAMES[self.layout.board.name]
        for first in range(0, len(stored), size):
            page = stored[first : first + size]
            yield first + len(page), (page, read_records(page))

    def _tell(self, selection: GameSelection, done: int, writer: DatasetWriter) -> None:
        samples = writer.samples + writer.buffer.samples
        self.context.progress(
            f"exporting games of {self.layout.config}", done, len(selection.games), f"{samples:,} samples"
        )

    def _add(
        self,
        writer: DatasetWriter,
        page: list[StoredGame],
        records: list[GameRecord],
        kinds: Mapping[str, float],
        tally: _Tally,
        clock: _Clock,
    ) -> None:
        """Add the samples of a page of games to the shard at hand."""
        board, players = self.layout.board, self.layout.players
        unsearched = self.settings.unsearched
        replayed = replay_and_count(board, players, records, unsearched=unsearched, threads=self.threads)
        identities = [stored.game.identity for stored in page]
        check_counts(replayed.counts, identities)
        clock.note("replay")
        counts = replayed.counts
        facts = _facts(page, counts)
        quality = game_quality(facts, self.settings.quality, self.layout.config)
        good = quality >= self.settings.games.min_quality
        tally.good += int(good.sum())
        tally.best = max(tally.best, float(quality.max(initial=0)))
        chosen = np.flatnonzero(good & (counts["samples"] > 0))
        for game in chosen.tolist():
            tally.add(page[game].game, page[game].row)
        sizes = ("samples", "policy_entries", "opponent_policy_entries")
        sums = [int(counts[name][chosen].sum()) for name in sizes]
        first_game = len(writer.buffer.games)
        features, globals, rows = writer.buffer.grow(
            [identities[game] for game in chosen.tolist()], facts[chosen], *sums
        )
        write_samples(self.layout, replayed, chosen, first_game, features, globals, rows, threads=self.threads)
        check_counts(counts, identities)
        by_kind = np.array([kinds[stored.game.kind] for stored in page])
        by_game = quality if self.settings.sample_weights.kind == "quality" else by_kind
        write_sample_weights(self.settings.sample_weights, by_game, replayed, chosen, rows)
        write_td_returns(self.settings.td_lambda, replayed, chosen, rows)
        writer.buffer.settle(sums[0])
        clock.note("encoding")

    @property
    def _quality(self) -> str:
        """The condition on quality, if there is one."""
        least = self.settings.games.min_quality
        return f"are of quality {least:g} or better and " if least else ""

    def _nothing(self, selection: GameSelection, tally: _Tally) -> str:
        """Say why there are no samples."""
        least = self.settings.games.min_quality
        if not tally.good:
            return (
                f"{self.database.name}: 0 of {len(selection.games):,} games are of quality {least:g} or better; "
                f"the best is of {tally.best:.3f}"
            )
        return (
            f"{self.database.name}: 0 of {tally.good:,} games have choices with search statistics "
            "(unsearched, or --unsearched, takes others as samples of the value)"
        )

    def _provenance(self, filters: Filters, steps: tuple[FilterStep, ...], tally: _Tally) -> dict[str, Any]:
        """Return where the samples come from."""
        return {
            "version": __version__,
            "database": self.database.name,
            "settings": self.settings.model_dump(mode="json", exclude={"folder"}),
            "filters": asdict(filters),
            "steps": [asdict(step) for step in steps],
            "identities": tally.identities.hexdigest(),
            "ended": tally.ended,
            "victories": dict(sorted(tally.kinds.items())),
            "wins_by_seat": [tally.wins[seat] for seat in range(1, self.layout.players + 1)],
            "engines": dict(sorted(tally.engines.items())),
            "models": dict(sorted(tally.models.items())),
            "runs": dict(sorted(tally.runs.items())),
            "quality": asdict(dataset_quality(tally.gathered, self.settings.quality, self.layout.config)),
        }


def _facts(page: list[StoredGame], counts: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the facts of games, `[G]` of `FACTS`, from the database and a replay."""
    facts = np.empty(len(page), FACTS)
    for name in ("choices", "searched"):
        facts[name] = counts[name]
    facts["plies"] = [stored.row.plies for stored in page]
    facts["winner"] = [stored.game.winner or 0 for stored in page]
    facts["ended"] = [stored.game.ended for stored in page]
    facts["opening"] = [stored.row.opening_hash for stored in page]
    facts["actions"] = [stored.row.actions_hash for stored in page]
    return facts


def _ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items; a thread makes each of them while the one before is worked on."""
    with ThreadPoolExecutor(1) as reader:
        waiting: Future[Item | None] = reader.submit(next, items, None)
        while (item := waiting.result()) is not None:
            waiting = reader.submit(next, items, None)
            yield item


def shard_samples(settings: DatasetSettings, layout: Layout) -> int:
    """Return the number of samples that go into one shard."""
    return settings.shard_samples[layout.board.name]
