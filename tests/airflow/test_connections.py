"""Hosts that name a connection of Airflow: reached over a real sshd by the hooks of Airflow's SSH provider."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml

from ringrift.fleet import Shell, Unreachable
from ringrift.fleet.hosts import Host, hosts
from ringrift.fleet.ssh import SshShell, UnknownConnection, Unusable
from ringrift.settings import DEFAULTS
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.hooks.ssh import ConnectionShell
from ringrift_airflow.operators.job import RemoteJobOperator
from ringrift_airflow.operators.sync import SyncGamesOperator
from tests.airflow.conftest import Tries
from tests.airflow.place import Place
from tests.airflow.test_jobs import defer, fire
from tests.airflow.tiny import change_settings
from tests.fleet.servers import Server, connection_settings, free_port, server

NAME = "ssh_gpu_1"
VARIABLE = f"AIRFLOW_CONN_{NAME.upper()}"


def connection(host: Server, *, port: int | None = None, **extra: Any) -> str:
    """The connection of a host as Airflow takes it from its environment."""
    extra = {"private_key": host.key.read_text(), "host_key": host.host_key} | extra
    login = host.entry()["user"]
    return json.dumps(
        {"conn_type": "ssh", "host": host.address, "port": port or host.port, "login": login, "extra": extra}
    )


@pytest.fixture
def gpu(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A running host of which hosts.yaml says no more than its connection."""
    with server(tmp_path / "gpu-1", "gpu-1") as found:
        config = tmp_path / "config"
        shutil.copytree(DEFAULTS, config)
        entry = {"connection": NAME, "roles": ["selfplay"], "home": "~"}
        (config / "hosts.yaml").write_text(yaml.safe_dump({"hosts": {"gpu-1": entry}}))
        change_settings(config / "fleet.yaml", {"connection.seconds": 3, "sync.min_games": 1})
        monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(config))
        monkeypatch.setenv(VARIABLE, connection(found))
        yield found


def echo(shell: Shell) -> Any:
    return shell.run(b"cat >&2 <<'E'\n" + b"x" * 300_000 + b"\nE\nhead -c 3000000 /dev/zero | tr '\\0' y\nexit 7\n")


def test_a_worker_asks_over_paramiko(gpu: Server) -> None:
    shell = FleetHook().open_shell("gpu-1")
    assert isinstance(shell, ConnectionShell)
    answer = FleetHook().ask("gpu-1", echo)
    assert (answer.code, answer.out, answer.err) == (7, b"y" * 3_000_000, "x" * 300_000)


def test_a_job_runs_there_and_is_waited_for_by_worker_or_triggerer(gpu: Server, tries: Tries) -> None:
    command = 'pwd >"$RINGRIFT_JOB/output"'
    keywords: dict[str, Any] = {"task_id": "task", "command": command, "role": "selfplay"}
    task = RemoteJobOperator(deferrable=False, **keywords)
    assert task.execute(tries.context()) == str(gpu.home)
    task = RemoteJobOperator(deferrable=True, **keywords)
    trigger = defer(task, tries).trigger
    assert task.finish(tries.context(), fire(trigger)) == str(gpu.home)


def test_games_are_fetched_from_there(gpu: Server, place: Place, tries: Tries) -> None:
    folder = gpu.games / "hex8_2p" / "gpu-1" / "0"
    folder.mkdir(parents=True)
    (folder / "games.jsonl").write_text('{"game": 1}\n')
    assert SyncGamesOperator(task_id="task", config="hex8_2p").execute(tries.context())["games"] == 1


def test_airflows_own_test_of_the_connection_tells_the_same(gpu: Server, place: Place) -> None:
    assert place.airflow("db", "migrate").returncode == 0
    allowed = {"AIRFLOW__CORE__TEST_CONNECTION": "Enabled"}
    done = place.airflow("connections", "test", NAME, **{VARIABLE: connection(gpu)}, **allowed)
    assert "Connection success!" in done.stdout, done.stderr[-2000:]
    done = place.airflow("connections", "test", NAME, **{VARIABLE: connection(gpu, port=free_port())}, **allowed)
    assert "Connection failed!" in done.stdout, done.stderr[-2000:]


def another_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


WRONG = {
    "host key": (
        lambda host: connection(host, host_key=another_key().export_public_key().decode().strip()),
        Unusable,
        ("THE HOST KEY HAS CHANGED", "its host key is not trusted"),
    ),
    "key": (
        lambda host: connection(host, private_key=another_key().export_private_key().decode()),
        Unusable,
        ("its user is not let in", "does not let in the user"),
    ),
    "no key": (lambda host: connection(host, private_key="nonsense"), Unusable, ("cannot be used", "cannot be used")),
    "port": (
        lambda host: connection(host, port=free_port()),
        Unreachable,
        ("cannot be reached", "refuses connections"),
    ),
    "none": (None, Unusable, ("is missing: `airflow connections add", "is missing: `airflow connections add")),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_connection_is_one_line_either_way(
    what: str, gpu: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, kind, said = WRONG[what]
    if make is None:
        monkeypatch.delenv(VARIABLE)
    else:
        monkeypatch.setenv(VARIABLE, make(gpu))
    fleet = FleetHook()
    for way, expected in zip((fleet.ask, fleet.carry), said, strict=True):
        with pytest.raises(kind) as caught:
            way("gpu-1", lambda shell: shell.run(b"true\n"))
        message = str(caught.value)
        assert message.startswith("gpu-1: "), message
        assert expected in message
        assert NAME in message
        assert "\n" not in message


def test_without_airflow_the_host_says_where_its_address_is_and_is_not_retired_for_it(gpu: Server) -> None:
    async def ask() -> None:
        async with SshShell("gpu-1", hosts()["gpu-1"], connection_settings()) as shell:
            await shell.run(b"true\n")

    with pytest.raises(
        UnknownConnection, match=f"^gpu-1: its address is in the connection '{NAME}' of Airflow"
    ) as caught:
        asyncio.run(ask())
    fleet = FleetHook()
    fleet.note("gpu-1", caught.value)
    with fleet.health() as health:
        assert health.conditions()["gpu-1"].failures == 0


def test_hosts_of_the_settings_tell_how_they_are_reached() -> None:
    facts: dict[str, Any] = {"roles": ["selfplay"]}
    assert Host.model_validate(facts | {"connection": NAME}).way == f"connection {NAME}"
    assert Host.model_validate(facts | {"address": "gpu.example", "user": "me"}).way == "me@gpu.example:22"
