"""The games database on a real PostgreSQL."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import participant
from ringrift.evaluation.settings import evaluation_settings
from ringrift.evaluation.store import newest_ratings, stored_evaluations
from ringrift.evaluation.tournament import round_robin
from ringrift.game_database import BadDatabase, GamesDatabase, ingest
from ringrift.game_database.check import check
from ringrift.game_database.merge import merge
from ringrift.game_database.selection import Selection, find_game, newest, quarantined_lines
from ringrift.game_database.statistics import games_statistics
from ringrift.run_context import RunContext
from tests.cli.processes import ringrift
from tests.contexts import any_context, ingest_context
from tests.game_database.processes import finish, start_ingest
from tests.game_database.records import random_records, stored_lines, write, write_lines
from tests.game_database.test_database import check_migrated
from tests.system.postgresql import make_database, postgresql_server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


NUMBERS = itertools.count()


@pytest.fixture
def url(server: str) -> str:
    return make_database(server, f"games{next(NUMBERS)}")


def test_the_migrations_lead_to_the_schema(url: str) -> None:
    with pytest.raises(BadDatabase, match="there are no games in it"):
        GamesDatabase(url)
    with GamesDatabase(url, create=True) as database, database.reading() as connection:
        check_migrated(connection)


def test_games_come_in_exactly_and_once_and_go_out_again(url: str, tmp_path: Path) -> None:
    lines = write(tmp_path / "0.jsonl", random_records(count=20, searched=3))
    lines += write(tmp_path / "1.jsonl.gz", random_records("hex8_3p", 5))
    extra = lines[0][:-2] + b',"note":"\\u0000 \xc3\xa9"}\n'  # the same game again, with a field that SQL dislikes
    wrong = replace(random_records(count=21)[20], reason="x").to_line()
    write_lines(tmp_path / "2.jsonl", [extra, wrong, b"\x00\xff\n"])
    with GamesDatabase(url, create=True) as database:
        report = ingest(database, [tmp_path], ingest_context())
        assert (report.games, report.duplicates) == (25, 1)
        assert report.quarantined == {"no_record": 1, "wrong_result": 1}
        assert stored_lines(database) == sorted(lines)
        assert ingest(database, [tmp_path], ingest_context()).unchanged == 3
        assert {line.raw for line in quarantined_lines(database, None, 9)} == {wrong, b"\x00\xff\n"}
        row = find_game(database, bytes(find_game(database, "3").identity).hex()[:9])
        assert row.id == 3
        assert len(newest(database, Selection(engine="gumbel", model="abc", part="training"), 99)) > 15
        assert check(database, any_context()).damage == ()
        statistics = games_statistics(database)
        with GamesDatabase(str(tmp_path / "games.db"), create=True) as other:
            merge(other, database, any_context())
            again = games_statistics(other)
            assert stored_lines(other) == sorted(lines)
        assert again.configs == statistics.configs
        assert again.quarantined == statistics.quarantined


def test_damage_is_found_and_mended(url: str, tmp_path: Path) -> None:
    lines = write(tmp_path / "0.jsonl", random_records(count=6))
    with GamesDatabase(url, create=True) as database:
        ingest(database, [tmp_path], ingest_context())
        with database.writing() as connection:
            connection.execute(text("UPDATE games SET plies = 1 WHERE id = 2"))
            connection.execute(text("DELETE FROM moves WHERE game_id = 4"))
        assert check(database, any_context()).left == 2
        assert check(database, any_context(), repair=True, quarantine_bad=True).left == 0
        assert ingest(database, [tmp_path], ingest_context()).games == 1
        assert stored_lines(database) == sorted(lines)


def test_two_ingests_at_once_keep_every_game_once(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "selfplay"
    lines = write(folder / "0.jsonl", random_records(count=200))
    write_lines(folder / "1.jsonl", reversed(lines))  # the same games in another order
    both = [start_ingest(url, folder) for _ in range(2)]
    for process in both:
        finish(process)
    with GamesDatabase(url) as database:
        assert stored_lines(database) == sorted(lines)
        assert check(database, any_context()).damage == ()


def test_an_ingest_that_is_killed_loses_and_doubles_nothing(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "selfplay"
    lines = write(folder / "0.jsonl", random_records(count=200))
    draw = random.Random(2)
    for _ in range(3):
        process = start_ingest(url, folder)
        time.sleep(draw.uniform(0.0, 0.3))
        process.kill()
        process.communicate()
    with GamesDatabase(url, create=True) as database:
        assert ingest(database, [folder], ingest_context()).duplicates == 0
        assert stored_lines(database) == sorted(lines)


def test_the_command_line_takes_a_url(url: str, tmp_path: Path) -> None:
    write(tmp_path / "0.jsonl", random_records(count=3))
    done = ringrift("games", "ingest", tmp_path, "--database", url)
    assert done.returncode == 0, done.stderr
    assert "3 new games of 3 new lines" in done.stdout


def test_a_tournament_is_kept(url: str) -> None:
    with GamesDatabase(url, create=True) as database:
        runner = MatchRunner(database, RunContext(evaluation_settings()))
        players = [participant(spec, "square8_2p") for spec in ("random", "heuristic")]
        report = round_robin("square8_2p", players, 4, runner)
        assert report.ratings is not None
        assert newest_ratings(database, "square8_2p") == list(report.ratings.players)
        (stored,) = stored_evaluations(database, "square8_2p", kind="tournament")
        assert stored.report["number"] == 0
