"""Archives: hosts that get all closed files of games and the champions, each whatever happens to the others."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from ringrift.fleet.health import Health
from ringrift.fleet.hosts import Host, fleet_settings, players_and_archives
from ringrift.fleet.sync import SyncReport, stream_games, sync_games
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.run_context import RunContext
from ringrift.settings import DEFAULTS, BadSettings
from tests.cli.processes import ringrift
from tests.fleet.servers import Server, server, settings_for_tests, small_programs
from tests.fleet.test_sync import line, play, worker
from tests.models.making import content, crowned, registered

pytestmark = pytest.mark.slow

CONFIG = "hex8_2p"


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[tuple[Server, Server, Server]]:
    """One host of self-play and two archives, of which the second one has the programs of busybox."""
    programs = {"gpu-1": None, "safe-1": None, "safe-2": small_programs(tmp_path / "programs")}
    with ExitStack() as stack:
        made = [stack.enter_context(server(tmp_path / name, name, programs=programs[name])) for name in programs]
        yield made[0], made[1], made[2]


def entries(player: Server, *archives: Server) -> tuple[dict[str, Host], dict[str, Host]]:
    known = {archive.name: archive.host(roles=["archive"]) for archive in archives}
    return players_and_archives({player.name: player.host()} | known)


def closed(folder: Path) -> dict[str, bytes]:
    found = folder.rglob("*.jsonl.gz")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if ".incoming" not in path.parts}


def test_every_archive_gets_what_is_closed_and_a_second_time_nothing(
    machines: tuple[Server, Server, Server], tmp_path: Path
) -> None:
    player, first, second = machines
    root = tmp_path / "selfplay"
    play(worker(player), 1, 2, close=True)
    play(worker(player, "1"), 3, 4)

    def bring() -> SyncReport:
        hosts, archives = entries(player, first, second)
        return sync_games(hosts, settings_for_tests(), root=root, archives=archives)

    report = bring()
    assert {one.host: (one.files, one.trouble) for one in report.archives} == {"safe-1": (1, ""), "safe-2": (1, "")}
    assert closed(first.games) == closed(second.games) == closed(root)
    (text,) = closed(root).values()
    assert gzip.decompress(text) == line(1) + line(2)
    assert [one.files for one in bring().archives] == [0, 0]
    assert not list((first.games / ".incoming").iterdir()), "nothing else is left behind"


def test_an_archive_that_is_away_is_named_and_holds_up_nobody(
    machines: tuple[Server, Server, Server], tmp_path: Path
) -> None:
    player, away, there = machines
    play(worker(player), 1, 2, close=True)
    away.stop()
    hosts, archives = entries(player, away, there)
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        health = Health(database, hosts | archives, fleet_settings().health)
        root = tmp_path / "selfplay"
        report = sync_games(hosts, settings_for_tests(), root=root, health=health, archives=archives)
        assert report.games == 2
        assert closed(there.games) == closed(root) != {}
        assert [one.host for one in report.failed] == ["safe-1"]
        assert re.search(r"safe-1: .* refuses connections", str(report))
        assert health.conditions()["safe-1"].failures == 1
        away.start()
        sync_games(hosts, settings_for_tests(), root=root, health=health, archives=archives)
    assert closed(away.games) == closed(root)


def test_what_comes_damaged_gets_no_name_in_the_archive(
    machines: tuple[Server, Server, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player, archive, _ = machines
    root = tmp_path / "selfplay"
    play(worker(player), 1, close=True)
    hosts, archives = entries(player, archive)
    with monkeypatch.context() as broken:
        broken.setattr(
            "ringrift.fleet.archive.sha256", lambda _: type("Wrong", (), {"hexdigest": lambda _: "0" * 64})()
        )
        (one,) = sync_games(hosts, settings_for_tests(), root=root, archives=archives).archives
    assert "came damaged" in one.trouble
    assert closed(archive.games) == {}
    sync_games(hosts, settings_for_tests(), root=root, archives=archives)
    assert closed(archive.games) == closed(root) != {}


def test_a_stream_archives_beside_its_rounds(machines: tuple[Server, Server, Server], tmp_path: Path) -> None:
    player, archive, _ = machines
    play(worker(player), 1, close=True)
    hosts, archives = entries(player, archive)
    told: list[str] = []
    stream_games(
        hosts,
        RunContext(settings_for_tests(stream_seconds=0.2)),
        lambda report: told.append(str(report)),
        root=tmp_path / "selfplay",
        archives=archives,
        over=lambda: any("safe-1: 1 files archived" in one for one in told) or len(told) > 300,
    )
    assert closed(archive.games) == closed(tmp_path / "selfplay") != {}


def test_the_champion_goes_to_archives_too(
    machines: tuple[Server, Server, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player, away, archive = machines
    settings = tmp_path / "settings"
    settings.mkdir()
    hosts = {player.name: player.entry()} | {one.name: one.entry(roles=["archive"]) for one in (away, archive)}
    (settings / "hosts.yaml").write_text(yaml.safe_dump({"hosts": hosts}))
    (settings / "fleet.yaml").write_text((DEFAULTS / "fleet.yaml").read_text())
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(settings))
    monkeypatch.setenv("RINGRIFT_DATABASE", str(tmp_path / "games.db"))
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        store = ModelStore(database, tmp_path / "models")
        champion = crowned(store, registered(store, 1, CONFIG, architecture="small"))
        away.stop()
        done = ringrift("distribute", CONFIG, "--models", tmp_path / "models")
        assert done.returncode == 1
        assert re.search(r"safe-1.* refuses connections", " ".join(done.stdout.split()))
        for host in (player, archive):
            assert content(host.home / "models" / f"ringrift_best_{CONFIG}.pth") == content(store.path(champion))


def test_an_archive_has_no_other_role() -> None:
    facts = {"address": "x", "user": "x"}
    with pytest.raises(ValueError, match="the role archive goes with no other one"):
        Host.model_validate(facts | {"roles": ["archive", "selfplay"]})
    trainer = Host.model_validate(facts | {"roles": ["training"]})
    with pytest.raises(BadSettings, match="no host has the role selfplay"):
        players_and_archives({"trainer": trainer})
    safe = Host.model_validate(facts | {"roles": ["archive"]})
    assert players_and_archives({"trainer": trainer, "safe": safe}) == ({}, {"safe": safe})
