"""What real hosts say of themselves, and what is found wrong with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from ringrift.cli.render import rendered
from ringrift.fleet import Job, Work, start_job
from ringrift.fleet.check import HostCheck, check_hosts
from ringrift.fleet.hosts import FleetSettings, Host
from ringrift.fleet.ssh import SshShell
from ringrift.version import code_version
from tests.fleet.servers import Server, connection_settings, free_port, server, settings_for_tests


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("check") / "one", "gpu-1") as found:
        yield found


def settings_with(**check: object) -> FleetSettings:
    settings = settings_for_tests()
    changed = settings.check.model_copy(update={"free_disk_gb": 0.001} | check)
    return settings.model_copy(update={"check": changed})


def check(host: Host, **settings: object) -> HostCheck:
    (found,) = check_hosts({"gpu-1": host}, settings_with(**settings)).hosts
    return found


def install(sshd: Server, version: str) -> None:
    program = sshd.home / "ringrift" / "releases" / "0123" / "bin" / "ringrift"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\necho ringrift {version}\n")
    program.chmod(0o755)
    current = sshd.home / "ringrift" / "current"
    current.unlink(missing_ok=True)
    current.symlink_to("releases/0123")


def test_a_sound_host_tells_all_that_is_asked(sshd: Server) -> None:
    install(sshd, code_version())
    job = Job("train-1", str(sshd.home / "data" / "jobs"))

    async def begin() -> None:
        async with SshShell("gpu-1", sshd.host(), connection_settings()) as shell:
            await start_job(shell, job, Work("sleep 2", str(sshd.home)))

    asyncio.run(begin())
    found = check(sshd.host())
    assert found.problems == ()
    assert found.reachable
    assert found.running == ("train-1",)
    assert (found.ringrift, found.release) == (code_version(), "0123")
    assert found.host_key == asyncssh.import_public_key(sshd.host_key).get_fingerprint()
    assert found.free_disk_gb is not None
    assert found.memory_gb is not None
    assert found.clock_offset is not None
    assert abs(found.clock_offset) < 2
    assert found.python is not None
    assert found.rsync


def test_what_is_wrong_is_said_with_its_remedy(sshd: Server) -> None:
    install(sshd, "0.0.1")
    host = sshd.host(gpus=1, gpu="NoSuchGPU", memory_gb=1e6, python="python2.0")
    said = "\n".join(check(host, free_disk_gb=1e9).problems)
    for line in (
        f"ringrift 0.0.1, and {code_version()} here: `ringrift hosts deploy gpu-1`",
        "GB of memory, and hosts.yaml says 1e+06",
        "there is no python2.0: install Python 3.11 or newer",
        "GB of disk are free, 1e+09 are wanted",
    ):
        assert line in said
    assert "GPU" in said
    (sshd.home / "ringrift" / "current").unlink()
    assert "there is no ringrift in ~/ringrift" in "\n".join(check(sshd.host()).problems)


def test_a_wrong_clock_is_found(sshd: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    install(sshd, code_version())
    before = time.time
    monkeypatch.setattr(time, "time", lambda: before() + 90)
    (problem,) = check(sshd.host()).problems
    assert problem == "its clock is wrong by -90 s: is it kept by NTP?"


def test_hosts_that_cannot_be_reached_stand_in_the_table_with_the_others(sshd: Server, tmp_path: Path) -> None:
    install(sshd, code_version())
    other_key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    hosts = {
        "sound": sshd.host(),
        "silent": sshd.host(port=free_port()),
        "changed": sshd.host(host_key=other_key),
    }
    report = check_hosts(hosts, settings_with())
    assert not report.sound
    assert [(one.reachable, one.reaction) for one in report.hosts] == [
        (True, ""),
        (False, "retry later"),
        (False, "other host"),
    ]
    from rich.console import Console

    with (tmp_path / "table").open("w") as file:
        Console(file=file, width=200).print(rendered(report))
    assert "refuses connections" in (tmp_path / "table").read_text()
