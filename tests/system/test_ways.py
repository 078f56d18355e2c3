"""Hosts behind walls: by way of jump hosts, through a SOCKS proxy, at a name of an overlay network; real sshd each."""

from __future__ import annotations

import asyncio
import getpass
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringrift.errors import RingRiftError
from ringrift.fleet.hosts import Host
from ringrift.fleet.socks import VARIABLE
from ringrift.fleet.ssh import Reaction, SshShell, reaction_to
from ringrift.fleet.staging import push_files
from tests.fleet.servers import Server, connection_settings, free_port, server
from tests.system.networks import Cable

pytestmark = pytest.mark.xdist_group("fleet")


class Wall:
    """A host that nobody outside of its network can reach, and the jump host into it."""

    def __init__(self, jump: Server, hidden: Server) -> None:
        self.jump = jump
        self.hidden = hidden

    def host(self, *jumps: dict[str, object], **changes: object) -> Host:
        return self.hidden.host(**({"jumps": list(jumps)} if jumps else {}), **changes)

    def by_jump(self, **changes: object) -> dict[str, object]:
        names = ("address", "port", "user", "key", "host_key")
        return {name: self.jump.entry()[name] for name in names} | changes


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wall]:
    try:
        cable = Cable(0)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a wall is a network namespace, for which one has to be root")
    folder = tmp_path_factory.mktemp("wall")
    try:
        with (
            server(folder / "jump", "jump", address=cable.theirs, within=cable.within) as jump,
            server(folder / "hidden", "hidden", within=cable.within) as hidden,
        ):
            yield Wall(jump, hidden)
    finally:
        cable.close()


@pytest.fixture
def proxy(wall: Wall, tmp_path: Path) -> Iterator[str]:
    """A SOCKS proxy, that of OpenSSH, into the network behind the wall."""
    port = free_port()
    known = tmp_path / "known"
    known.write_text(f"[{wall.jump.address}]:{wall.jump.port} {wall.jump.host_key}\n")
    words = ["ssh", "-N", "-D", f"127.0.0.1:{port}", "-p", str(wall.jump.port), "-i", str(wall.jump.key)]
    words += ["-o", f"UserKnownHostsFile={known}", "-o", "ExitOnForwardFailure=yes", "-F", "none"]
    with subprocess.Popen([*words, f"{getpass.getuser()}@{wall.jump.address}"]) as process:
        give_up = time.monotonic() + 20
        while subprocess.run(["bash", "-c", f"</dev/tcp/127.0.0.1/{port}"], stderr=subprocess.DEVNULL).returncode:
            assert time.monotonic() < give_up
            time.sleep(0.05)
        yield f"socks5://127.0.0.1:{port}"
        process.terminate()


def ask(host: Host, script: str = "echo $HOME") -> str:
    async def run() -> str:
        async with SshShell("gpu-1", host, connection_settings()) as shell:
            return (await shell.run(script.encode())).out.decode().strip()

    return asyncio.run(run())


def trouble(host: Host) -> tuple[str, Reaction]:
    with pytest.raises(RingRiftError) as caught:
        ask(host)
    assert "\n" not in str(caught.value)
    return str(caught.value), reaction_to(caught.value)


def test_a_host_behind_a_wall_is_reached_by_way_of_a_jump_host(wall: Wall, tmp_path: Path) -> None:
    assert "refuses connections" in trouble(wall.host())[0], "the wall holds"
    assert ask(wall.host(wall.by_jump())) == str(wall.hidden.home)
    (tmp_path / "model").write_bytes(b"weights" * 100_000)

    async def bring() -> int:
        async with SshShell("gpu-1", wall.host(wall.by_jump()), connection_settings()) as shell:
            return (await push_files(shell, tmp_path, ["model"])).files

    assert asyncio.run(bring()) == 1
    assert (wall.hidden.home / "model").read_bytes() == (tmp_path / "model").read_bytes()


def test_jump_hosts_follow_one_another(wall: Wall) -> None:
    inner = wall.by_jump(address="127.0.0.1", port=wall.hidden.port, key=str(wall.hidden.key))
    inner["host_key"] = wall.hidden.host_key
    again = wall.jump.host(jumps=[wall.by_jump(), inner])
    assert ask(again, "echo ${SSH_CONNECTION%% *}") == wall.jump.address, "it is asked from inside"


def test_a_connection_that_was_let_go_is_made_again_with_its_jumps(wall: Wall) -> None:
    async def twice() -> list[int]:
        async with SshShell("gpu-1", wall.host(wall.by_jump()), connection_settings()) as shell:
            codes = [(await shell.run(b"true")).code]
            shell.drop()
            return [*codes, (await shell.run(b"true")).code, shell.connections]

    assert asyncio.run(twice()) == [0, 0, 2]


def test_what_is_wrong_on_the_way_is_a_line_that_names_the_place(wall: Wall, tmp_path: Path) -> None:
    way = f"gpu-1 by way of {wall.jump.address}: "
    said, reaction = trouble(wall.host(wall.by_jump(host_key=wall.hidden.host_key)))
    assert said.startswith(f"{way}THE HOST KEY HAS CHANGED")
    assert reaction is Reaction.ELSEWHERE
    assert trouble(wall.host(wall.by_jump(key=str(wall.hidden.key))))[0].startswith(f"{way}does not let in user ")
    assert "refuses connections" in trouble(wall.host(wall.by_jump(port=free_port())))[0]
    closed = free_port()
    said, reaction = trouble(wall.host(wall.by_jump(), port=closed))
    assert said.startswith(f"gpu-1: the machine before it cannot reach 127.0.0.1 port {closed} (")
    assert reaction is Reaction.LATER


def test_a_host_behind_a_wall_is_reached_through_a_socks_proxy(
    wall: Wall, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, proxy)
    assert ask(wall.host()) == str(wall.hidden.home)
    assert ask(wall.host(address="localhost")) == str(wall.hidden.home), "the proxy looks up names"
    closed = free_port()
    said, reaction = trouble(wall.host(port=closed))
    assert said.startswith(
        f"gpu-1: the proxy at 127.0.0.1 port {proxy.rpartition(':')[2]} cannot reach 127.0.0.1 port "
    )
    assert reaction is Reaction.LATER


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("socks5//proxy:1080", f"{VARIABLE}: is no proxy: write socks5://HOST:PORT"),
        ("http://proxy:1080", f"{VARIABLE}: is no proxy: write socks5://HOST:PORT"),
        ("socks5://proxy:port", f"{VARIABLE}: is no proxy: write socks5://HOST:PORT"),
        ("socks5://me:secret@127.0.0.1:1", f"gpu-1: the proxy at 127.0.0.1 port 1 ({VARIABLE}) cannot be reached"),
    ],
)
def test_a_proxy_that_there_is_not_is_one_line_without_its_secret(
    url: str, said: str, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, url)
    found = trouble(wall.host())[0]
    assert said in found
    assert "secret" not in found


def test_a_host_is_sought_in_the_overlay_network_when_its_address_does_not_help(wall: Wall) -> None:
    jump = wall.jump
    assert ask(jump.host(address="127.0.0.1", overlay=jump.address)) == str(jump.home)
    assert ask(jump.host(address="gpu-1.invalid", overlay=jump.address)) == str(jump.home)
    assert ask(jump.host(overlay="gpu-1.invalid")) == str(jump.home)
    said = trouble(jump.host(address="127.0.0.1", overlay="gpu-1.invalid"))[0]
    assert said.startswith("gpu-1: there is no machine named 'gpu-1.invalid'")
