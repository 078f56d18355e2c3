"""Whatever a host answers is a value within its bounds, or a trouble of that host alone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.fleet import (
    Answer,
    Job,
    JobTrouble,
    LocalShell,
    Work,
    kill_job,
    list_jobs,
    start_job,
    status_of_job,
    sweep_jobs,
)
from ringrift.fleet.answers import host_facts, host_usage
from ringrift.fleet.check import check_hosts
from ringrift.fleet.distribution import distribute
from ringrift.fleet.host_files import HostFile, list_host_files, remove_host_files
from ringrift.fleet.hosts import Host
from ringrift.fleet.mirror import RemoteFile
from ringrift.fleet.remote import RemoteGames
from ringrift.fleet.staging import push_files
from ringrift.fleet.sync import sync_games
from ringrift.fleet.usage import ask_usage
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from tests.fleet.servers import server, settings_for_tests
from tests.models.making import crowned, registered

SUM = "ab" * 32
FACTS = b"clock 1700000000.5\ndisk 1000000\nmemory 2000000 1000000\ncores 8\nload 0.25\npython 3.12.1\nend\n"
LIST = "folder /home/games\nrsync /usr/bin/rsync\n"
JOB = Job("train-1", "/jobs")


@dataclass
class Says:
    """A shell that always says the same."""

    out: bytes
    name: str = "gpu-1"
    host: Host = field(default_factory=lambda: Host(address="gpu-1", user="me", roles=["selfplay"]))

    async def run(self, script: bytes, *, seconds: float = 60.0) -> Answer:
        return Answer(0, self.out, "")

    async def feed(self, script: str, content: bytes, *, seconds: float = 60.0) -> Answer:
        return Answer(0, self.out, "")

    async def close(self) -> None:
        return None


async def push_a_file(shell: Says) -> None:
    """Push a file from a folder that is gone afterwards, with what pushing leaves there."""
    with TemporaryDirectory() as folder:
        Path(folder, "a.jsonl").touch()
        await push_files(shell, Path(folder), ["a.jsonl"])


QUESTIONS: dict[str, Callable[[Any], Coroutine[Any, Any, object]]] = {
    "start": lambda shell: start_job(shell, JOB, Work("true")),
    "status": lambda shell: status_of_job(shell, JOB),
    "kill": lambda shell: kill_job(shell, JOB),
    "list": lambda shell: list_jobs(shell, "/jobs"),
    "sweep": lambda shell: sweep_jobs(shell, "/jobs", older_than=60),
    "files": lambda shell: RemoteGames(shell).files(),
    "measure": lambda shell: RemoteGames(shell, "/games").measure([("a.jsonl", 0), ("b.jsonl", 7)]),
    "remove": lambda shell: RemoteGames(shell, "/games").remove([("a.jsonl.gz", SUM, "[1]")]),
    "host files": lambda shell: list_host_files(shell),
    "remove host files": lambda shell: remove_host_files(shell, [HostFile("run", 1, 1, True, "data/runs/a/b")]),
    "push": push_a_file,
}
"""Everything that is asked of hosts, but for `hosts check`."""

WORDS = st.sampled_from(
    [
        *("started", "state", "running", "done", "code", "0", "size", "folder", "/games", "rsync", "none", "gone", SUM),
        *("-1", "9" * 5000, "1e999", "inf", "nan", "²", "/", "", "\xff", "removed", "1700000000", "./a/b.jsonl", "end"),
    ]
)
LINES = st.lists(st.lists(WORDS, max_size=4).map(" ".join), max_size=5).map("\n".join)
ANSWERS = st.binary(max_size=200) | st.tuples(LINES, st.sampled_from(["", "\n"])).map(
    lambda parts: "".join(parts).encode("latin-1")
)


@pytest.mark.parametrize("question", QUESTIONS)
@given(answer=ANSWERS)
def test_a_garbled_answer_is_a_trouble_of_its_host(question: str, answer: bytes) -> None:
    try:
        asyncio.run(QUESTIONS[question](Says(answer)))
    except JobTrouble as error:
        assert "\n" not in str(error)


@given(answer=ANSWERS)
def test_garbled_facts_are_not_known_and_remarked_on(answer: bytes) -> None:
    facts, remarks = host_facts(answer)
    assert len(remarks) <= len(type(facts).model_fields)


USAGE = b"cpu 62.5\ncores 8\nload 5.1\nmemory 2000 500\ndisk 9000 4000\ngpu 71 9000 80000\ngpu [N/A] [N/A] 80000\nend\n"


@given(answer=ANSWERS)
def test_a_garbled_usage_is_not_known_and_remarked_on(answer: bytes) -> None:
    usage, remarks = host_usage(answer)
    assert len(remarks) <= len(type(usage).model_fields)


def test_what_a_gpu_does_not_know_hides_nothing_of_the_others() -> None:
    usage, remarks = host_usage(USAGE)
    assert remarks == ()
    assert usage.gpu == [(71.0, 9000, 80000), (None, None, 80000)]
    assert (usage.cpu, usage.memory, usage.disk) == (62.5, (2000, 500), (9000, 4000))


@pytest.mark.parametrize(
    ("before", "after", "remark"),
    [
        (b"cpu 62.5", b"cpu 162.5", "it says cpu '162.5', which cannot be"),
        (b"cpu 62.5", b"cpu \x1b[2J", "it says cpu '\\x1b[2J', which cannot be"),
        (b"memory 2000 500", b"memory 2000 5000", "it says memory '2000 5000', which cannot be"),
        (b"disk 9000 4000", b"disk -1 4000", "it says disk '-1 4000', which cannot be"),
    ],
)
def test_one_garbled_measure_does_not_hide_the_others(before: bytes, after: bytes, remark: str) -> None:
    usage, remarks = host_usage(USAGE.replace(before, after))
    assert remarks == (remark,)
    assert usage.cores == 8
    assert usage.gpu[0].busy == 71.0


@pytest.mark.parametrize(
    ("before", "after", "remark"),
    [
        (b"memory 2000000 1000000", b"memory abc", "it says memory 'abc', which cannot be"),
        (b"cores 8", b"cores inf", "it says cores 'inf', which cannot be"),
        (b"python 3.12.1", b"python three", "it says python 'three', which cannot be"),
        (b"clock 1700000000.5", b"clock 1700000000000.5", "it says clock '1700000000000.5', which cannot be"),
        (b"load 0.25", b"load \xff", "it says load '\ufffd', which cannot be"),
    ],
)
def test_one_garbled_fact_does_not_hide_the_others(before: bytes, after: bytes, remark: str) -> None:
    sound, none = host_facts(FACTS)
    assert none == ()
    facts, remarks = host_facts(FACTS.replace(before, after))
    (name,) = (name for name in type(sound).model_fields if getattr(facts, name) != getattr(sound, name))
    assert getattr(facts, name) is None
    assert remarks == (remark,)


def test_what_a_host_may_lack_is_no_fault() -> None:
    facts, remarks = host_facts(b"clock 1700000000.N\ndisk 5\nmemory \ncores \nload \npython 3.11.0\nend\n")
    assert (facts.clock, facts.memory, facts.cores, remarks) == (1_700_000_000, None, None, ())


def test_a_garbled_line_of_a_list_of_games_is_passed_over_and_named() -> None:
    answer = f"{LIST}12 1700000000 ./hex8_2p/a.jsonl\n12 {10**30} ./hex8_2p/b.jsonl\nnone\n".encode()
    games = RemoteGames(Says(answer))
    assert asyncio.run(games.files()) == {"hex8_2p/a.jsonl": RemoteFile("hex8_2p/a.jsonl", 12, 1_700_000_000)}
    assert len(games.refused) == 2
    assert "it answers ['12', '10000" in games.refused[0]


def test_a_short_measure_is_refused() -> None:
    with pytest.raises(JobTrouble, match="gpu-1: asked for 2 lines of checksums"):
        asyncio.run(RemoteGames(Says(f"{SUM} 3\n".encode()), "/games").measure([("a", 0), ("b", 0)]))


def test_hosts_whose_answers_are_garbled_stop_no_other(tmp_path: Path) -> None:
    """Real hosts: one answers every command with noise, and all that is asked of the fleet goes on with the other."""
    noise = r"sh -c 'echo ringrift: begin; printf %s\\nend\\n memory\ abc\ \377; cat >/dev/null'"
    with server(tmp_path / "one", "sound") as sound, server(tmp_path / "two", "noisy", force=noise) as noisy:
        (sound.games / "hex8_2p" / "0").mkdir(parents=True)
        (sound.games / "hex8_2p" / "0" / "run-00000.jsonl").write_bytes(b"{}\n")
        hosts = {"noisy": noisy.host(), "sound": sound.host()}
        settings = settings_for_tests()
        synced = {host.host: host for host in sync_games(hosts, settings, root=tmp_path / "games").hosts}
        assert synced["sound"].games == 1
        assert synced["noisy"].trouble.startswith("noisy: asked for a list of its games, it answers ")
        checked = {host.host: host for host in check_hosts(hosts, settings).hosts}
        assert checked["sound"].memory_gb
        assert checked["noisy"].problems
        with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
            store = ModelStore(database, tmp_path / "models")
            crowned(store, registered(store, architecture="small"))
            report = {host.host: host.outcome for host in distribute(store, "hex8_2p", hosts, settings).hosts}
        assert report == {"noisy": "failed", "sound": "replaced"}


def test_this_machine_says_how_busy_it_and_its_gpus_are(tmp_path: Path) -> None:
    """By the text that hosts get, with a program that answers as NVIDIA's does: one GPU works, one cannot say."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '37, 10240, 81559'\necho '[N/A], [Not Supported], 81559'\n")
    program.chmod(0o755)
    shell = LocalShell(os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    host = Host(address="here", user="me", roles=["selfplay"], home=str(tmp_path / "not" / "made" / "yet"))
    usage, remarks = asyncio.run(ask_usage(shell, "here", host))
    assert remarks == ()
    assert usage.gpu == [(37.0, 10240, 81559), (None, None, None)]
    assert usage.cpu is not None
    assert usage.disk is not None
