"""A champion searches decisions of old games again: what is stored, what an export makes of it, and what stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from sqlalchemy import func, select, text, update

from ringrift.agents import BadSpec, make_agent
from ringrift.datasets import export
from ringrift.datasets.game_selection import EmptySelection
from ringrift.game import parse_config
from ringrift.game_database import GamesDatabase
from ringrift.game_database.check import check
from ringrift.game_database.reanalyses import (
    ReanalysisKey,
    overlaid,
    packed_reanalyses,
    store_reanalyses,
    with_reanalyses,
)
from ringrift.game_database.schema import games, moves, reanalyses
from ringrift.game_database.selection import holdout_bound
from ringrift.run_context import Cancelled
from ringrift.training.reanalysis import ReanalysisInputs, ReanalysisReport, reanalyse
from ringrift.training.reanalysis_settings import ReanalysisSettings, check_search, reanalysis_settings
from tests.contexts import any_context, export_context
from tests.datasets.games import fill, identities, searched_records, settings, shards

CONFIG = "square8_2p"
RECORDS = searched_records(CONFIG, 20, seed=4)
DATA = settings(games={"completed_only": False})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[GamesDatabase]:
    with fill(tmp_path / "games.db", RECORDS) as found:
        yield found


def champion(model: str = "champion") -> ReanalysisInputs:
    """A player that needs no network, under the name of a model."""
    agent = make_agent("gumbel:heuristic@4", *parse_config(CONFIG))
    return ReanalysisInputs(CONFIG, ReanalysisKey(model, "gumbel@4"), agent)


def asked(**changes: object) -> ReanalysisSettings:
    return ReanalysisSettings.model_validate(reanalysis_settings().model_dump() | {"share": 0.5, **changes})


def run(database: GamesDatabase, model: str = "champion", **changes: object) -> ReanalysisReport:
    return reanalyse(database, champion(model), asked(**changes), export_context(DATA))


def rows(database: GamesDatabase) -> list[tuple[int, str, bytes]]:
    with database.reading() as connection:
        query = select(reanalyses.c.game_id, reanalyses.c.model, reanalyses.c.search).order_by(reanalyses.c.id)
        return [(row.game_id, row.model, bytes(row.search)) for row in connection.execute(query)]


def training_games(database: GamesDatabase) -> int:
    with database.reading() as connection:
        query = select(func.count()).select_from(games).where(games.c.lot >= holdout_bound())
        return int(connection.execute(query).scalar_one())


def test_games_are_searched_once_and_the_games_stay_as_they_are(database: GamesDatabase) -> None:
    def stored() -> list[tuple[bytes, bytes]]:
        with database.reading() as connection:
            return [(row.actions, row.search) for row in connection.execute(select(moves).order_by(moves.c.game_id))]

    before = stored()
    first = run(database)
    assert (first.searched, first.known, first.left) == (training_games(database), 0, 0)
    found = rows(database)
    again = run(database)
    assert (again.searched, again.known, again.decisions) == (0, first.searched, 0)
    assert rows(database) == found
    assert stored() == before


def test_the_share_is_of_the_decisions(database: GamesDatabase) -> None:
    whole = run(database, model="all", share=1.0).decisions
    assert 0.4 < run(database).decisions / whole < 0.6


def test_another_run_searches_the_same_decisions_with_the_same_result(database: GamesDatabase, tmp_path: Path) -> None:
    run(database, games=8)
    run(database)
    with fill(tmp_path / "other.db", RECORDS) as other:
        run(other)
        assert sorted(rows(other)) == sorted(rows(database))


def test_a_larger_share_replaces_the_smaller_one_and_another_model_adds_its_own(database: GamesDatabase) -> None:
    few = run(database, share=0.2)
    more = run(database, share=0.6)
    assert more.decisions > few.decisions
    assert len(rows(database)) == more.searched
    run(database, model="next")
    assert [model for _, model, _ in rows(database)] == ["champion"] * more.searched + ["next"] * more.searched


def test_what_was_stopped_is_kept_and_goes_on(database: GamesDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringrift.training.reanalysis.GAMES_AT_ONCE", 4)
    stop = Event()
    inputs = champion()
    context = export_context(DATA, cancellation=stop, progress=lambda *_: stop.set())
    with pytest.raises(Cancelled, match="stopped after 4 games, which are kept"):
        reanalyse(database, inputs, asked(), context)
    assert len(rows(database)) == 4
    assert run(database).known == 4


def test_games_of_the_model_itself_are_left_as_they_are(database: GamesDatabase) -> None:
    with database.writing() as connection:
        connection.execute(update(games).values(models='["champion","champion"]'))
    report = run(database)
    assert (report.searched, report.own, report.left) == (0, training_games(database), 0)


def test_an_export_learns_the_newest_search_of_every_decision(database: GamesDatabase, tmp_path: Path) -> None:
    export(database, CONFIG, export_context(DATA), folder=tmp_path / "before")
    run(database)
    export(database, CONFIG, export_context(DATA), folder=tmp_path / "after")
    as_played = settings(games={"completed_only": False}, reanalysed=False)
    export(database, CONFIG, export_context(as_played), folder=tmp_path / "as_played")
    old, new, same = (shards(tmp_path / name, CONFIG) for name in ("before", "after", "as_played"))
    for before, after in zip(old, same, strict=True):
        assert all(np.array_equal(before[name], after[name]) for name in before)
    with database.reading() as connection:
        query = select(games.c.id, games.c.identity)
        ids = {bytes(row.identity).hex(): row.id for row in connection.execute(query)}
        searched = packed_reanalyses(connection, list(ids.values()))
    records = {record.identity: with_reanalyses(record, searched.get(ids[record.identity], ())) for record in RECORDS}
    changed = 0
    for before, after in zip(old, new, strict=True):
        names = identities([after])
        assert names == identities([before])
        for row in range(len(after["game"])):
            search = records[names[after["game"][row]]].search
            assert search is not None
            place = int(np.flatnonzero(search.action_index == after["action_index"][row])[0])
            assert sorted(after["root_values"][row]) == sorted(search.root_values[place])
            assert after["has_policy"][row] == search.has_policy[place]
            changed += bool((after["root_values"][row] != before["root_values"][row]).any())
    assert changed > 100


def test_the_newer_of_two_searches_of_a_decision_counts() -> None:
    record = RECORDS[0]
    assert record.search is not None
    older, newer = record.search, searched_records(CONFIG, 20, seed=4)[0].search
    assert newer is not None
    both = overlaid(older, newer)
    for name, _ in newer.kept:
        assert np.array_equal(getattr(both, name), getattr(newer, name), equal_nan=name == "surprise"), name


def test_decisions_of_both_searches_stand_in_their_order() -> None:
    older = RECORDS[0].search
    assert older is not None
    count = len(older.action_index)
    ends = np.cumsum(older.policy_lengths.astype(int))
    parts = []
    for rows_ in (np.arange(0, count, 2), np.arange(1, count, 2)):
        entries = np.concatenate([np.arange(ends[row] - older.policy_lengths[row], ends[row]) for row in rows_])
        fields = {
            name: getattr(older, name)[rows_] for name, _ in older.kept if not name.endswith(("actions", "probs"))
        }
        fields |= {name: getattr(older, name)[entries] for name in ("policy_actions", "policy_probs")}
        parts.append(type(older)(**fields))
    for both in (overlaid(*parts), overlaid(*reversed(parts))):
        assert all(np.array_equal(getattr(both, name), getattr(older, name)) for name, _ in older.kept)


def test_a_damaged_reanalysis_is_found_and_removed(database: GamesDatabase) -> None:
    run(database)
    count = len(rows(database))
    with database.writing() as connection:
        connection.execute(text("UPDATE reanalyses SET search = X'00' WHERE id = 1"))
    report = check(database, any_context())
    assert [(damage.kind, damage.done) for damage in report.damage] == [("reanalysis", "left")]
    assert check(database, any_context(), repair=True).left == 0
    assert len(rows(database)) == count - 1
    assert check(database, any_context()).damage == ()


def test_the_searches_of_a_game_go_with_it(database: GamesDatabase) -> None:
    run(database)
    game, *_ = rows(database)[0]
    with database.writing() as connection:
        connection.execute(text("DELETE FROM moves WHERE game_id = :game"), {"game": game})
        connection.execute(text("DELETE FROM games WHERE id = :game"), {"game": game})
    assert game not in {found for found, _, _ in rows(database)}
    store_reanalyses(database, champion().key, 1.0, {game: RECORDS[0].search})  # type: ignore[dict-item]
    assert game not in {found for found, _, _ in rows(database)}


def test_without_games_it_says_so(tmp_path: Path) -> None:
    with GamesDatabase(str(tmp_path / "empty.db"), create=True) as empty, pytest.raises(EmptySelection, match="0 of 0"):
        run(empty)


@pytest.mark.parametrize(
    ("search", "fault"),
    [
        ("minimax@3", "is to be gumbel or puct without a model"),
        ("gumbel:best@64", "is to be gumbel or puct without a model"),
        ("gumbel@64?full=0.5&fast=8", "a full search of its own, without fast, full"),
    ],
)
def test_what_is_no_full_search_is_refused(search: str, fault: str) -> None:
    with pytest.raises(BadSpec, match=fault):
        check_search(search)
