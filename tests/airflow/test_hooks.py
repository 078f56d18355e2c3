"""Jobs do not care who carries their shell: the connections of Airflow's own SSH hooks do as well as ours."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.ssh.hooks.ssh import SSHHook, SSHHookAsync

from ringrift.fleet import Answer, Job, Shell, State, Work, kill_job, read_output, start_job, status_of_job
from tests.fleet.servers import Server, server

CONNECTION = "ssh_gpu_1"


class Paramiko:
    """The shell of a host over the connection of the hook that blocks."""

    def __init__(self) -> None:
        self.client = SSHHook(ssh_conn_id=CONNECTION).get_conn()

    async def run(self, script: bytes, *, seconds: float = 60.0) -> Answer:
        stdin, stdout, stderr = self.client.exec_command("sh -s", timeout=seconds)
        stdin.write(script)
        stdin.channel.shutdown_write()
        out, err = stdout.read(), stderr.read().decode()
        return Answer(stdout.channel.recv_exit_status(), out, err.strip())

    async def close(self) -> None:
        self.client.close()


class Asyncssh:
    """The shell of a host over the connection of the hook that does not block."""

    def __init__(self) -> None:
        self.connection: Any = None

    async def run(self, script: bytes, *, seconds: float = 60.0) -> Answer:
        if self.connection is None:
            self.connection = await SSHHookAsync(ssh_conn_id=CONNECTION)._get_conn()
        done = await self.connection.run("sh -s", input=script, encoding=None, timeout=seconds)
        return Answer(done.exit_status, done.stdout, done.stderr.decode().strip())

    async def close(self) -> None:
        if self.connection is not None:
            self.connection.close()


def connection(host: Server) -> str:
    """A connection of Airflow's that trusts no other host key."""
    extra = {"key_file": str(host.key), "host_key": host.host_key, "no_host_key_check": False}
    place = {"host": host.address, "port": host.port, "login": getpass.getuser()}
    return json.dumps({"conn_type": "ssh", **place, "extra": extra})


async def wait(question: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await question():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("way", [Paramiko, Asyncssh])
def test_a_job_is_started_watched_and_killed_over_the_hooks_of_airflow(
    way: Callable[[], Shell], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shell: Shell, root: str) -> None:
        work = Work("echo begun; echo '{}' >\"$RINGRIFT_JOB/output\"", root)
        short, long = Job("short", f"{root}/jobs"), Job("long", f"{root}/jobs")
        assert await start_job(shell, short, work)
        assert not await start_job(shell, short, work), "a second start answers that it is there"

        async def ended() -> bool:
            return (await status_of_job(shell, short)).state is State.DONE

        await wait(ended)
        status = await status_of_job(shell, short)
        assert (status.code, status.log) == (0, b"begun\n")
        assert await read_output(shell, short) == b"{}\n"
        await start_job(shell, long, Work("sleep 600", root))
        assert (await status_of_job(shell, long)).state is State.RUNNING
        assert await kill_job(shell, long) is State.KILLED
        await shell.close()

    with server(tmp_path / "host", "gpu-1") as host:
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", connection(host))
        asyncio.run(story(way(), str(host.home)))
