"""Services of hosts: installed once, started, restarted for new code, back after a reboot, and gone when unwanted."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ringrift
from ringrift.fleet.deploy import HostDeploy, deploy
from ringrift.fleet.hosts import known_role
from ringrift.fleet.services import (
    UNITS,
    ServiceChange,
    bring_services,
    coordinator_services,
    host_services,
)
from ringrift.fleet.shell import JobTrouble, LocalShell
from ringrift.run_context import RunContext
from ringrift.settings import BadSettings
from tests.fleet.servers import Server, server
from tests.fleet.supervisor import Supervisor
from tests.fleet.test_deploy import PROJECT, settings_with
from tests.processes import wait_for

REPOSITORY = Path(ringrift.__file__).parents[1]
PLAYER = """import os, signal, sys, time
def main():
    if sys.argv[1:2] == ["--version"] or sys.argv[1:3] == ["game", "compile"]:
        print("ringrift", VERSION)
        return
    print(*sys.argv[1:], VERSION, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    MORE
    while True:
        time.sleep(0.05)
"""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Supervisor]:
    found = Supervisor(tmp_path / "machine", haste=600)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def sshd(machine: Supervisor, tmp_path: Path) -> Iterator[Server]:
    """A host whose home folder and programs are those of the machine."""
    with server(tmp_path / "host", "gpu-1", programs=machine.programs) as found:
        found.home.rmdir()
        machine.home.mkdir()
        found.home.symlink_to(machine.home)
        yield found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A checkout of a RingRift that plays nothing and says only how it was called."""
    folder = tmp_path / "source"
    (folder / "ringrift" / "cli").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    for name in ("constraints.txt", "README.md", "ringrift/__init__.py"):
        (folder / name).write_text("")
    shutil.copytree(REPOSITORY / UNITS, folder / UNITS)
    write_player(folder, 1)
    return folder


def write_player(source: Path, version: int, more: str = "") -> None:
    text = PLAYER.replace("VERSION", str(version)).replace("MORE", more)
    (source / "ringrift" / "cli" / "__init__.py").write_text(text)


def bring(
    sshd: Server, source: Path, *configs: str, dry_run: bool = False, change: ServiceChange | None = None
) -> HostDeploy:
    hosts = {"gpu-1": sshd.host()}
    (found,) = deploy(
        hosts,
        RunContext(settings_with(keep=3)),
        source=source,
        dry_run=dry_run,
        services=host_services(source, hosts, configs),
        change=change or ServiceChange(watch_seconds=0),
    ).hosts
    return found


def said(machine: Supervisor, config: str) -> list[str]:
    path = machine.home / f"ringrift-selfplay@{config}.service.log"
    return path.read_text().splitlines() if path.exists() else []


def test_services_start_stay_and_come_back_after_a_reboot(machine: Supervisor, sshd: Server, source: Path) -> None:
    planned = bring(sshd, source, "hex8_2p", "square8_2p", dry_run=True)
    assert planned.steps[-2:] == (
        "install ringrift-selfplay@",
        "start ringrift-selfplay@hex8_2p, ringrift-selfplay@square8_2p",
    )
    assert not machine.units.exists(), "a dry run changes nothing"
    done = bring(sshd, source, "hex8_2p", "square8_2p")
    assert (done.steps, done.trouble) == (planned.steps, "")
    assert wait_for(lambda: said(machine, "hex8_2p")) == ["fill hex8_2p --host gpu-1 --worker service 1"]
    assert bring(sshd, source, "hex8_2p", "square8_2p").steps == (), "all is there"

    wait_for(lambda: said(machine, "square8_2p"))
    sshd.stop()  # the host is cut off, and started anew
    machine.power_off()
    machine.boot()
    wait_for(lambda: len(said(machine, "hex8_2p")) == 2 and len(said(machine, "square8_2p")) == 2)


def test_a_service_that_dies_is_started_anew(machine: Supervisor, sshd: Server, source: Path) -> None:
    assert not bring(sshd, source, "hex8_2p").trouble
    service = machine.services["ringrift-selfplay@hex8_2p.service"]
    assert service.process is not None
    service.process.kill()
    wait_for(lambda: service.starts == 2 and service.state == "active")


def test_new_code_is_taken_at_once_or_not_at_all(machine: Supervisor, sshd: Server, source: Path) -> None:
    bring(sshd, source, "hex8_2p")
    wait_for(lambda: said(machine, "hex8_2p"))
    write_player(source, 2)
    kept = bring(sshd, source, "hex8_2p", change=ServiceChange(hot_reload=False, watch_seconds=0))
    assert kept.steps[-1] == "switch to it"
    assert said(machine, "hex8_2p")[-1].endswith(" 1")
    assert bring(sshd, source, "hex8_2p", change=ServiceChange(restart=True, watch_seconds=0)).steps == (
        "restart ringrift-selfplay@hex8_2p",
    )
    assert wait_for(lambda: said(machine, "hex8_2p")[-1].endswith(" 2"))
    write_player(source, 3)
    assert bring(sshd, source, "hex8_2p").steps[-1] == "restart ringrift-selfplay@hex8_2p"
    assert wait_for(lambda: said(machine, "hex8_2p")[-1].endswith(" 3"))


def test_a_config_that_is_not_wanted_any_more_is_stopped(machine: Supervisor, sshd: Server, source: Path) -> None:
    bring(sshd, source, "hex8_2p", "square8_2p")
    assert bring(sshd, source, "square8_2p").steps == ("stop ringrift-selfplay@hex8_2p",)
    assert list(machine.services) == ["ringrift-selfplay@square8_2p.service"]
    assert bring(sshd, source, "square8_2p").steps == ()


def test_a_service_that_does_not_start_is_one_line(machine: Supervisor, sshd: Server, source: Path) -> None:
    write_player(source, 1, "os.write(2, b'error: the config is unknown'); os._exit(2)")
    found = bring(sshd, source, "hex8_2p", change=ServiceChange(watch_seconds=120))
    assert found.trouble == (
        "gpu-1: service ringrift-selfplay@hex8_2p.service does not start: error: the config is unknown"
    )


def test_a_host_without_systemd_says_so(tmp_path: Path, source: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "base64"):
        (programs / name).symlink_to(shutil.which(name) or name)
    hosts = {"gpu-1": Server("gpu-1", tmp_path, 22, "ssh-ed25519 AAAA", tmp_path / "id").host()}
    shell = LocalShell({"PATH": str(programs), "HOME": str(tmp_path)})
    services = host_services(source, hosts, ["hex8_2p"])["gpu-1"]

    async def run() -> None:
        async for _ in bring_services(shell, "gpu-1", services, ServiceChange(), new_release=False, dry_run=True):
            pass

    with pytest.raises(JobTrouble, match=r"gpu-1: there is no systemd on this host"):
        asyncio.run(run())


def test_hosts_that_have_no_service_are_refused_in_one_line(source: Path, tmp_path: Path) -> None:
    one = Server("gpu-1", tmp_path, 22, "ssh-ed25519 AAAA", tmp_path / "id")
    with pytest.raises(
        BadSettings, match=r"host gpu-1: can bear no config: hosts\.yaml names hex8_2p, the loop has squ"
    ):
        host_services(source, {"gpu-1": one.host(configs=["hex8_2p"])}, ["square8_2p"])
    with pytest.raises(BadSettings, match="services are for the role selfplay, which none of the hosts gpu-1 has"):
        host_services(source, {"gpu-1": one.host(roles=["training"])}, ["square8_2p"])
    with pytest.raises(BadSettings, match="role 'selfpaly': unknown; did you mean 'selfplay'"):
        known_role("selfpaly")


def test_services_play_from_zero_where_the_loop_does(source: Path, tmp_path: Path) -> None:
    hosts = {"gpu-1": Server("gpu-1", tmp_path, 22, "ssh-ed25519 AAAA", tmp_path / "id").host()}

    def command(from_zero: bool) -> str:
        (unit,) = host_services(source, hosts, ["hex8_2p"], from_zero=from_zero)["gpu-1"].units.values()
        return next(line for line in unit.decode().splitlines() if line.startswith("ExecStart="))

    assert command(False).endswith(" fill %i --host gpu-1 --worker service")
    assert command(True).endswith(" fill %i --host gpu-1 --worker service --from-zero")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze of Debian's package systemd")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    services = coordinator_services(REPOSITORY, tmp_path, sync=True)
    one = Server("gpu-1", tmp_path, 22, "ssh-ed25519 AAAA", tmp_path / "id")
    host = one.host(code="/usr", home=str(tmp_path))
    units = dict(services.units)
    for text in host_services(REPOSITORY, {"gpu-1": host}, ["square8_2p"])["gpu-1"].units.values():
        # systemd looks whether programs are there
        units["ringrift-selfplay@.service"] = text.replace(b"/usr/current/bin/ringrift", b"/bin/sh")
    assert {name for name in units if "README" not in name} == {
        path.name for path in (REPOSITORY / UNITS).glob("*.service")
    }, "every unit is installed somewhere"
    for name, text in units.items():
        (tmp_path / name).write_bytes(text)
    names = [name.replace("@.", "@some.") for name in units]
    for name in units:
        if "@." in name:
            (tmp_path / name.replace("@.", "@some.")).symlink_to(tmp_path / name)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", *(tmp_path / name for name in names)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_service_that_is_stuck_is_started_anew(machine: Supervisor) -> None:
    unit = (REPOSITORY / UNITS / "ringrift-sync.service").read_text()
    code = "from ringrift.cli.watchdog import Watchdog; import time; dog = Watchdog(); began = time.monotonic()"
    more = (
        "[(dog.alive(), time.sleep(0.02)) for _ in iter(lambda: time.monotonic() - began < 1, False)]; time.sleep(600)"
    )
    program = machine.programs / "ringrift"
    program.write_text(f"#!/bin/sh\ncd '{REPOSITORY}'\nexec '{sys.executable}' -c '{code}; {more}'\n")
    program.chmod(0o755)
    machine.units.mkdir(parents=True)
    text = unit.replace("@program@", str(program)).replace("@home@", str(machine.home))
    (machine.units / "ringrift-sync.service").write_text(text)
    subprocess.run([machine.programs / "systemctl", "--user", "start", "ringrift-sync.service"], check=True)
    service = machine.services["ringrift-sync.service"]
    wait_for(lambda: service.starts == 2 and service.state == "active")
