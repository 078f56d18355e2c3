"""The champion on real hosts: whole, the right one, and brought once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from ringrift.agents import promoted_model
from ringrift.fleet import distribution
from ringrift.fleet.distribution import Distribution, NoChampion, distribute
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.networks import load_model, read_id
from tests.fleet.servers import Server, server, settings_for_tests, small_programs
from tests.models.making import content, crowned, registered

CONFIG = "hex8_2p"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Server]]:
    """Two hosts; the second one has the programs of busybox."""
    programs = {"gpu-1": None, "gpu-2": small_programs(tmp_path / "programs")}
    with ExitStack() as stack:
        yield [stack.enter_context(server(tmp_path / name, name, programs=programs[name])) for name in programs]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ModelStore]:
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        yield ModelStore(database, tmp_path / "models")


def bring(store: ModelStore, *hosts: Server) -> Distribution:
    return distribute(store, CONFIG, {host.name: host.host() for host in hosts}, settings_for_tests())


def there(host: Server) -> Path:
    return promoted_model(host.home / "models", CONFIG)


def test_all_hosts_get_the_champion_and_a_second_time_nothing(store: ModelStore, servers: list[Server]) -> None:
    with pytest.raises(NoChampion, match="hex8_2p: there is no champion to distribute"):
        bring(store, *servers)
    for seed in (1, 2):
        champion = crowned(store, registered(store, seed, CONFIG, architecture="small"))
        report = bring(store, *servers)
        assert [one.outcome for one in report.hosts] == ["replaced", "replaced"]
        assert report.complete
        for host in servers:
            assert content(there(host)) == content(store.path(champion))
            load_model(there(host))
            assert read_id(there(host)) == champion.id == report.model
            assert len(list(there(host).parent.iterdir())) == 2, "nothing else is left behind"
        assert [one.outcome for one in bring(store, *servers).hosts] == ["there already", "there already"]


def test_former_champions_go_with_the_champion(store: ModelStore, servers: list[Server]) -> None:
    models = [crowned(store, registered(store, seed, CONFIG, architecture="small")) for seed in (1, 2, 3)]
    hosts = {host.name: host.host() for host in servers}
    for outcome in ("replaced", "there already"):
        report = distribute(store, CONFIG, hosts, settings_for_tests(), players="policy:{best~2}")
        assert [one.outcome for one in report.hosts] == [outcome, outcome]
    for host in servers:
        names = (CONFIG, f"{CONFIG}~1", f"{CONFIG}~2")
        found = [read_id(promoted_model(host.home / "models", name)) for name in names]
        assert found == [model.id for model in reversed(models)]


def test_a_change_that_was_cut_short_is_finished_by_the_next(store: ModelStore, servers: list[Server]) -> None:
    host = servers[0]
    crowned(store, registered(store, 1, CONFIG, architecture="small"))
    bring(store, host)
    champion = crowned(store, registered(store, 2, CONFIG, architecture="small"))
    there(host).with_suffix(".json").write_bytes(content(store.path(champion))[1])  # between the two names
    (report,) = bring(store, host).hosts
    assert report.outcome == "replaced"
    assert content(there(host)) == content(store.path(champion))


def test_what_was_damaged_on_its_way_takes_no_place(
    store: ModelStore, servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, other = servers
    first = crowned(store, registered(store, 1, CONFIG, architecture="small"))
    bring(store, host)
    crowned(store, registered(store, 2, CONFIG, architecture="small"))
    other.stop()
    with monkeypatch.context() as patch:
        damaging = distribution.SCRIPT.replace("cat >", "head -c 1000 >")
        assert damaging != distribution.SCRIPT
        patch.setattr(distribution, "SCRIPT", damaging)
        report = bring(store, host, other)
    assert not report.complete
    damaged, silent = report.hosts
    assert "ringrift_best_hex8_2p.pth came damaged" in damaged.trouble
    assert silent.reaction == "retry later"
    assert content(there(host)) == content(store.path(first))
    assert [one.outcome for one in bring(store, host).hosts] == ["replaced"]


def test_two_at_once_do_not_write_to_the_same_files(
    store: ModelStore, servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = servers[0]
    folder = there(host).parent
    first = crowned(store, registered(store, 1, CONFIG, architecture="small"))
    second = registered(store, 2, CONFIG, architecture="small")
    # Whoever comes first stops in the middle of the .pth until there is a file `go`.
    slow = "{ ! mkdir slow 2>&- || { dd bs=1 count=1000; until [ -e go ]; do sleep 0.1; done; }; cat; } >"
    monkeypatch.setattr(distribution, "SCRIPT", distribution.SCRIPT.replace("cat >", slow))
    with ThreadPoolExecutor() as pool:
        late = pool.submit(bring, store, host)
        while not (folder / "slow").exists():
            time.sleep(0.02)
        crowned(store, second)
        try:
            assert bring(store, host).complete
            assert content(there(host)) == content(store.path(second))
        finally:
            (folder / "go").touch()
        assert late.result().complete
    assert content(there(host)) == content(store.path(first)), "whole, whoever comes last"


def test_what_was_cut_on_its_way_is_removed_by_a_later_one(store: ModelStore, servers: list[Server]) -> None:
    host = servers[0]
    there(host).parent.mkdir()
    old, new = (there(host).with_name(f".ringrift_best_{CONFIG}.{caller}.pth.coming") for caller in ("a", "b"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    crowned(store, registered(store, 1, CONFIG, architecture="small"))
    assert bring(store, host).complete
    assert not old.exists()
    assert new.exists(), "somebody may be writing to it"
