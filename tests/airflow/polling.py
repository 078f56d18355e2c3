"""What it costs to watch the jobs of many hosts from one process, as the triggerer does.

`python -m tests.airflow.polling --hosts 100 --seconds 60`. The hosts are simulated: an SSH server in a process of
its own answers like hosts with a running job that writes a line of its log between two polls. The triggers, their polls
and their connections are the real ones. Airflow's own part, the database of the triggerer and the files of the logs, is
left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import asyncssh
import psutil
import yaml
from rich.console import Console
from rich.table import Table

from ringrift.fleet.ssh import BEGIN
from ringrift_airflow.triggers.job import RemoteJobTrigger

POLL: Final = 5.0
"""Seconds between two polls of a job, as operators have it."""
LINE: Final = "step 0123456789\n"
PATIENCE: Final = 300.0
"""Seconds until all hosts must have been asked."""


def main(words: list[str] | None = None) -> int:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="tests.airflow.polling", description=__doc__)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0, help="of which the mean is taken")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--role", choices=["measure", "serve", "watch"], default="measure", help=argparse.SUPPRESS)
    chosen = parser.parse_args(words)
    if chosen.role == "serve":
        asyncio.run(_serve(Path()))
    elif chosen.role == "watch":
        asyncio.run(_watch(chosen.hosts))
    else:
        found = measure(chosen.hosts, chosen.seconds)
        if chosen.json:
            print(json.dumps(found))
        else:
            table = Table("figure", "value")
            for name, value in found.items():
                table.add_row(name.replace("_", " "), f"{value:,.3f}" if isinstance(value, float) else f"{value:,}")
            Console().print(table)
    return 0


def measure(hosts: int, seconds: float) -> dict[str, Any]:
    """Watch one job on each host for so long; then shoot who watches, and see how long another one takes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = _start("serve", hosts, folder, os.environ | {})
        try:
            port = _wait_for(lambda: _read(folder / "port"))
            environment = os.environ | {"RINGRIFT_CONFIG_DIR": str(_settings(folder, hosts, port))}
            watchers = [_start("watch", hosts, folder, environment)]
            try:
                first = _time_to_ask_all(folder, hosts)
                process = psutil.Process(watchers[0].pid)
                before, cpu = _read(folder / "counts"), process.cpu_times()
                began = time.monotonic()
                time.sleep(seconds)
                after, cpu_after = _read(folder / "counts"), process.cpu_times()
                lasted = time.monotonic() - began
                spent = cpu_after.user + cpu_after.system - cpu.user - cpu.system
                memory = process.memory_info().rss
                watchers[0].kill()
                (folder / "asked").unlink()
                (folder / "forget").touch()
                _wait_for(lambda: not (folder / "forget").exists())
                watchers.append(_start("watch", hosts, folder, environment))
                again = _time_to_ask_all(folder, hosts)
            finally:
                for watcher in watchers:
                    watcher.kill()
                    watcher.wait()
        finally:
            server.kill()
            server.wait()
    polls = after["polls"] - before["polls"]
    return {
        "hosts": hosts,
        "polls_per_second": polls / lasted,
        "cores": spent / lasted,
        "cpu_milliseconds_per_poll": 1000 * spent / max(1, polls),
        "megabytes": memory / 1e6,
        "connections_per_poll": (after["connections"] - before["connections"]) / max(1, polls),
        "connections_per_host": after["connections"] / hosts,
        "seconds_until_all_are_watched": first,
        "seconds_to_attach_again": again,
    }


def _time_to_ask_all(folder: Path, hosts: int) -> float:
    """Seconds from now until the server has been asked for the jobs of all hosts."""
    began = time.monotonic()
    _wait_for(lambda: (_read(folder / "asked") or 0) >= hosts)
    return time.monotonic() - began


def _settings(folder: Path, hosts: int, port: int) -> Path:
    """A folder of settings with so many hosts, all at one port."""
    made = folder / "config"
    made.mkdir()
    facts = {"address": "127.0.0.1", "port": port, "user": "x", "key": str(folder / "key"), "roles": ["selfplay"]}
    facts["host_key"] = (folder / "host_key.pub").read_text().strip()
    entries = {f"host-{number}": facts | {"home": f"/{number}"} for number in range(hosts)}
    (made / "hosts.yaml").write_text(yaml.safe_dump({"hosts": entries}))
    return made


async def _watch(hosts: int) -> None:
    """The part of the triggerer."""
    until = time.time() + 86400

    async def one(number: int) -> None:
        trigger = RemoteJobTrigger(
            f"host-{number}", f"job-{number}", f"/{number}", ".", deadline=until, poll=POLL, offset=0, patience=600.0
        )
        async for _ in trigger.run():
            pass

    await asyncio.gather(*(one(number) for number in range(hosts)))


async def _serve(folder: Path) -> None:
    """The part of the hosts: counts what comes, and says how the job stands."""
    connections = polls = 0
    asked: set[str] = set()

    class Server(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            nonlocal connections
            connections += 1

    async def answer(process: asyncssh.SSHServerProcess[bytes]) -> None:
        nonlocal polls
        _, words, _ = (await process.stdin.read()).split(b"\n", 2)  # the first line asks for `BEGIN`
        _, _, _, root, _, offset, _ = shlex.split(words.decode())
        now = int(time.time())
        facts = f"state running\ncode \npid 1\nnow {now}\nheartbeat {now}\nsize {int(offset) + len(LINE)}\n\n"
        process.stdout.write(BEGIN + (facts + LINE).encode())
        process.exit(0)
        polls += 1
        asked.add(root)

    keys = {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("key", "host_key")}
    for name, key in keys.items():
        key.write_private_key(folder / name)
        key.write_public_key(folder / f"{name}.pub")
        (folder / name).chmod(0o600)
    listener = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Server,
        server_host_keys=[keys["host_key"]],
        authorized_client_keys=str(folder / "key.pub"),
        process_factory=answer,
        encoding=None,
    )
    _write(folder / "port", listener.get_port())
    while True:
        if (folder / "forget").exists():
            asked.clear()
            (folder / "forget").unlink()
        _write(folder / "counts", {"connections": connections, "polls": polls})
        _write(folder / "asked", len(asked))
        await asyncio.sleep(0.05)


def _start(role: str, hosts: int, folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.airflow.polling", "--role", role, "--hosts", str(hosts)],
        cwd=folder,
        env=environment | {"PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)])},
        stdout=subprocess.DEVNULL,
    )


def _wait_for(look: Any) -> Any:
    give_up = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > give_up:
            raise TimeoutError("the hosts have not all been asked")
        time.sleep(0.02)
    return found


def _write(path: Path, content: Any) -> None:
    path.with_suffix(".new").write_text(json.dumps(content))
    path.with_suffix(".new").replace(path)


def _read(path: Path) -> Any:
    with suppress(OSError):
        return json.loads(path.read_text())
    return None


if __name__ == "__main__":
    sys.exit(main())
