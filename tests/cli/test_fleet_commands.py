"""`ringrift hosts`, `sync` and `distribute` with a real host."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ringrift.game_database import GamesDatabase
from ringrift.game_database.counters import read_counters
from ringrift.settings import DEFAULTS
from tests.cli.processes import RINGRIFT, complaint, ringrift
from tests.fleet.servers import Server, server
from tests.fleet.test_ssh import NASTY
from tests.fleet.test_sync import line, play, worker


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    settings = tmp_path / "settings"
    settings.mkdir()
    fleet = (DEFAULTS / "fleet.yaml").read_text()
    (settings / "fleet.yaml").write_text(fleet.replace("together_seconds: 10", "together_seconds: 0"))
    with server(tmp_path / "host", "gpu-1") as found:
        (settings / "hosts.yaml").write_text(yaml.safe_dump({"hosts": {"gpu-1": found.entry()}}))
        monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(settings))
        monkeypatch.setenv("RINGRIFT_DATABASE", str(tmp_path / "games.db"))
        yield found


def test_hosts_are_listed_and_checked(sshd: Server) -> None:
    listed = ringrift("hosts", "list")
    assert listed.returncode == 0, listed.stderr
    assert "in service" in listed.stdout
    checked = ringrift("hosts", "check", "--json")
    assert checked.returncode == 1, "there is no ringrift on it yet"
    (found,) = json.loads(checked.stdout)["hosts"]
    assert found["reachable"]
    assert "`ringrift hosts deploy gpu-1`" in " ".join(found["problems"])
    sshd.stop()
    for _ in range(3):
        assert ringrift("hosts", "check").returncode == 1
    assert "retired" in ringrift("hosts", "list").stdout
    assert json.loads(ringrift("hosts", "list", "--json").stdout)["gpu-1"]["failures"] == 3
    assert "unknown; known are gpu-1" in complaint("hosts", "check", "xyz")


def test_words_of_a_command_reach_the_host_as_they_are(sshd: Server) -> None:
    words = (NASTY, "two words", "", "two\nlines", "-x", "\\n\\\\", "!!")
    done = ringrift("hosts", "exec", "gpu-1", "printf", "%s|", *words)
    assert (done.returncode, done.stdout) == (0, "".join(f"{word}|" for word in words))
    assert ringrift("hosts", "exec", "gpu-1", "--shell", "echo $((1 + 2)); exit 7").returncode == 7
    assert str(sshd.key) not in done.stderr


def test_games_are_brought_and_what_waits_is_told(sshd: Server, tmp_path: Path) -> None:
    play(worker(sshd), 0, 1, 2)
    out = tmp_path / "selfplay"
    waiting = ringrift("sync", "--out", out)
    assert waiting.returncode == 0, waiting.stderr
    assert "3 of 5 new games wait there" in waiting.stdout
    done = json.loads(ringrift("sync", "gpu-1", "--out", out, "--min-games", "1", "--json").stdout)
    assert (done["games"], done["failed"]) == (3, 0)
    (found,) = out.rglob("*.jsonl")
    assert found.read_bytes() == line(0) + line(1) + line(2)
    sshd.stop()
    failed = ringrift("sync", "--out", out)
    assert failed.returncode == 1
    assert "refuses connections" in failed.stdout


def test_games_that_are_in_the_database_make_room_on_their_host(sshd: Server, tmp_path: Path) -> None:
    settings = tmp_path / "settings" / "fleet.yaml"
    changed = settings.read_text().replace("keep_gb: 5", "keep_gb: 0")
    settings.unlink()
    settings.write_text(changed)
    play(worker(sshd), 0, 1, close=True)
    out = tmp_path / "selfplay"
    (found,) = json.loads(ringrift("sync", "--out", out, "--prune", "--json").stdout)["hosts"]
    assert (found["games"], found["removed"]) == (2, 0), "it is not in the database"
    assert ringrift("games", "ingest", out).returncode == 0
    done = ringrift("sync", "--out", out, "--prune")
    assert "1 files removed there" in done.stdout, done.stderr
    assert not list(sshd.games.rglob("*.gz"))
    assert len(list(out.rglob("*.gz"))) == 1


def test_a_stream_ends_when_it_is_told(sshd: Server, tmp_path: Path) -> None:
    play(worker(sshd), *range(6))
    words = [RINGRIFT, "sync", "--stream", "--out", tmp_path / "selfplay"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "6 new games from 1 hosts\n"
        process.send_signal(signal.SIGTERM)
        give_up = time.monotonic() + 30
        while process.poll() is None:
            assert time.monotonic() < give_up
            time.sleep(0.05)
        assert process.returncode == 128 + signal.SIGTERM


@pytest.mark.parametrize("roles", [None, ["training"]], ids=["no host", "a host for training"])
def test_a_stream_without_hosts_of_selfplay_waits_for_one_and_goes_on(
    sshd: Server, tmp_path: Path, roles: list[str] | None
) -> None:
    path = tmp_path / "settings" / "hosts.yaml"
    hosts = {"gpu-1": sshd.entry() | {"roles": roles}} if roles else {}
    path.write_text(yaml.safe_dump({"hosts": hosts}))
    play(worker(sshd), *range(6))
    words = [RINGRIFT, "sync", "--stream", "--out", tmp_path / "selfplay"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        waits = "no host has the role selfplay: sync waits until one joins, in hosts.yaml or rented\n"
        assert process.stderr.readline() == waits
        joined = path.with_suffix(".new")
        joined.write_text(yaml.safe_dump({"hosts": {"gpu-1": sshd.entry()}}))
        joined.replace(path)
        assert process.stdout.readline() == "6 new games from 1 hosts\n"
        process.terminate()
        assert process.wait(60) == 128 + signal.SIGTERM


def test_a_stream_that_waits_for_hosts_ends_when_it_is_told(sshd: Server, tmp_path: Path) -> None:
    (tmp_path / "settings" / "hosts.yaml").write_text("hosts: {}\n")
    words = [RINGRIFT, "sync", "--stream", "--out", tmp_path / "selfplay"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "sync waits" in process.stderr.readline()
        process.terminate()
        assert process.wait(60) == 128 + signal.SIGTERM


def test_without_hosts_or_a_champion_it_is_said(sshd: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "square8_2p: there is no champion to distribute" in complaint("distribute", "square8_2p")
    monkeypatch.delenv("RINGRIFT_CONFIG_DIR")
    assert "include/config/hosts.yaml: there are no hosts in it; " in complaint("sync")


def test_which_machines_get_services_is_said_once_and_by_names_that_there_are(sshd: Server) -> None:
    assert "role 'selfpaly': unknown; did you mean 'selfplay'" in complaint("hosts", "deploy", "--role", "selfpaly")
    assert "no host has the role training" in complaint("hosts", "deploy", "--role", "training")
    said = complaint("hosts", "deploy", "gpu-1", "--selfplay", "--primary")
    assert said == "hosts and --selfplay and --primary each choose machines: give one of them"
    assert "say --services, too" in complaint("hosts", "deploy", "--no-hot-reload")


def test_a_stream_takes_games_into_the_database_and_how_soon_they_come_is_counted(sshd: Server, tmp_path: Path) -> None:
    played = ["selfplay", "square8_2p", "--players", "random", "--games", "2", "--host", "gpu-1", "--out", sshd.games]
    assert ringrift(*played).returncode == 0
    (file,) = sshd.games.rglob("*.jsonl.gz")
    first, second = gzip.decompress(file.read_bytes()).splitlines()
    first, second = (
        re.sub(rb'"ended": ?\d+', b'"ended":%d' % ended, one) for one, ended in ((first, 1), (second, time.time()))
    )
    file.write_bytes(gzip.compress(first + b"\n" + second + b"\n"))
    out = tmp_path / "selfplay"
    words = [RINGRIFT, "sync", "--stream", "--ingest", "--min-games", "1", "--out", out]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "2 new games from 1 hosts\n"
        assert process.stdout.readline() == "2 new games in the database\n"
        process.terminate()
        process.wait(60)
    with GamesDatabase(str(tmp_path / "games.db")) as database:
        found = {label: one.total for (_, label), one in read_counters(database)["arrivals"].items()}
    assert found["gpu-1 later"] == 1, "it is from 1970"
    assert sum(found.values()) == 2
    status = json.loads(ringrift("status", "--json").stdout)
    (arrivals,) = status["loop"]["arrivals"]
    assert (arrivals["host"], arrivals["games"], arrivals["within"]["600"]) == ("gpu-1", 2, 0.5)
