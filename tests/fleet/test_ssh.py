"""A shell over SSH to a real sshd: it answers, it survives cuts, and says clearly what is wrong."""

from __future__ import annotations

import asyncio
import getpass
import logging
import re
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from ringrift.errors import RingRiftError
from ringrift.fleet import Job, JobTrouble, State, Unreachable, Work, kill_job, start_job, status_of_job
from ringrift.fleet.hosts import Host
from ringrift.fleet.shell import Answer
from ringrift.fleet.ssh import BadKey, Reaction, SshShell, Unusable, command_of, reaction_to
from tests.fleet.servers import Server, Wire, connection_settings, free_port, server

NASTY = 'it\'s "one" $(touch broken) `touch broken`; & file \\ * ö.jsonl'


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("ssh") / "one", "gpu-1") as found:
        yield found


@pytest.fixture
def wire(sshd: Server) -> Iterator[Wire]:
    made = Wire(sshd.port)
    yield made
    made.close()


def shell_of(host: Host, **settings: object) -> SshShell:
    return SshShell("gpu-1", host, connection_settings(**settings))


def run(host: Host, *scripts: str, **settings: object) -> list[Answer]:
    async def ask() -> list[Answer]:
        async with shell_of(host, **settings) as shell:
            answers = [await shell.run(script.encode()) for script in scripts]
            assert shell.connections == 1
            return answers

    return asyncio.run(ask())


def trouble(host: Host, **settings: object) -> tuple[str, Reaction]:
    with pytest.raises(RingRiftError) as caught:
        run(host, "true", **settings)
    message = str(caught.value)
    assert "\n" not in message
    return message, reaction_to(caught.value)


def test_a_script_answers_with_its_output_its_errors_and_its_code(sshd: Server) -> None:
    answers = run(
        sshd.host(), "echo out; echo err >&2; exit 3", "echo $HOME; cat /dev/null", "head -c 300000 /dev/zero"
    )
    assert answers[0] == Answer(3, b"out\n", "err")
    assert answers[1].out.decode().strip() == str(sshd.home)
    assert answers[2].out == bytes(300_000)


def test_many_scripts_at_once_share_one_connection(sshd: Server) -> None:
    async def ask() -> None:
        async with shell_of(sshd.host()) as shell:
            answers = await asyncio.gather(*(shell.run(f"echo {number}".encode()) for number in range(30)))
            assert [int(answer.out) for answer in answers] == list(range(30))
            assert shell.connections == 1

    asyncio.run(ask())


def test_code_that_is_not_asynchronous_keeps_the_connection_too(sshd: Server) -> None:
    with asyncio.Runner() as runner:
        shell = shell_of(sshd.host())
        assert [runner.run(shell.run(b"echo 1")).out for _ in range(3)] == [b"1\n"] * 3
        assert shell.connections == 1
        runner.run(shell.close())


def test_what_goes_to_a_host_is_taken_as_it_is(sshd: Server) -> None:
    async def ask() -> None:
        async with shell_of(sshd.host()) as shell:
            content = bytes(range(256)) * 1000
            script = f"cat >{shlex.quote(NASTY)} && cat {shlex.quote(NASTY)}"
            answer = await shell.feed(f"cd && {script}", content)
            assert (answer.code, answer.out) == (0, content)

    asyncio.run(ask())
    assert (sshd.home / NASTY).stat().st_size == 256_000
    assert not list(sshd.home.glob("**/broken"))


@pytest.mark.parametrize(
    "force",
    [
        'echo "Welcome, $USER!"; echo "ü \'" >&2; sh -c "$SSH_ORIGINAL_COMMAND"',
        'exec env -i HOME="$HOME" PATH="$PATH" sh -c "$SSH_ORIGINAL_COMMAND"',
    ],
    ids=["greeting", "bare"],
)
def test_any_login_shell_will_do_and_its_greeting_is_no_answer(tmp_path: Path, force: str) -> None:
    async def ask(host: Host) -> None:
        async with shell_of(host) as shell:
            answer = await shell.run(b"echo out; exit 3")
            assert (answer.code, answer.out) == (3, b"out\n")
            content = bytes(range(256)) * 1000
            assert (await shell.feed(f"printf %s {shlex.quote(NASTY)}; cat", content)).out == NASTY.encode() + content
            job = Job("a", str(tmp_path / "jobs"))
            assert await start_job(shell, job, Work("echo done", str(tmp_path)))
            assert not await start_job(shell, job, Work("echo done", str(tmp_path)))

    with server(tmp_path / "host", "gpu-1", force=force) as host:
        asyncio.run(ask(host.host()))


def test_a_user_without_a_shell_is_one_line(tmp_path: Path) -> None:
    with server(tmp_path / "host", "gpu-1", force="echo 'This account is not available.'; exit 1") as host:
        message, reaction = trouble(host.host())
    assert message.endswith("runs no commands; it says: This account is not available.")
    assert reaction is Reaction.ELSEWHERE


def test_a_command_that_has_ended_before_it_was_fed_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = SshShell._process

    async def begin_slowly(*words: Any) -> asyncssh.SSHClientProcess[bytes]:
        process = await begin(*words)
        while not process.is_closing():
            await asyncio.sleep(0.01)
        return process

    monkeypatch.setattr(SshShell, "_process", begin_slowly)
    test_a_user_without_a_shell_is_one_line(tmp_path)


def test_a_command_for_a_host_holds_nothing_that_any_shell_would_read_otherwise() -> None:
    command = command_of(NASTY + "\n\\ ! {a,b} ~")
    assert re.fullmatch(r"exec sh -c 'eval \"\$\(echo [A-Za-z0-9+/=]+ \| base64 -d\)\"'", command)


def test_jobs_of_a_host_run_and_are_found_again_over_another_connection(sshd: Server) -> None:
    job = Job("a", str(sshd.home / "jobs"))

    async def begin() -> bool:
        async with shell_of(sshd.host()) as shell:
            return await start_job(shell, job, Work(f"echo {shlex.quote(NASTY)}; sleep 60", str(sshd.home)))

    async def look() -> None:
        async with shell_of(sshd.host()) as shell:
            while NASTY not in (status := await status_of_job(shell, job)).log.decode():
                assert status.state is State.RUNNING
            assert await kill_job(shell, job) is State.KILLED

    assert asyncio.run(begin())
    assert not asyncio.run(begin())
    asyncio.run(look())


def test_a_connection_that_the_host_has_closed_is_made_again(sshd: Server) -> None:
    async def ask() -> None:
        async with shell_of(sshd.host()) as shell:
            await shell.run(b"true")
            sshd.stop()
            with pytest.raises(Unreachable, match=r"gpu-1: "):
                await shell.run(b"true")
            sshd.start()
            assert (await shell.run(b"echo again")).out == b"again\n"
            assert shell.connections == 2

    asyncio.run(ask())


def test_a_cut_wire_is_noticed_and_once_mended_all_is_well(sshd: Server, wire: Wire) -> None:
    async def ask() -> None:
        host = sshd.host(port=wire.port)
        async with shell_of(host, keepalive_seconds=0.1, keepalive_missed=2, seconds=1) as shell:
            await shell.run(b"true")
            wire.through.clear()
            with pytest.raises(Unreachable):
                await shell.run(b"true", seconds=60)  # much longer than the host is given to show that it lives
            with pytest.raises(Unreachable, match=r"no answer from 127.0.0.1 port \d+ within 1 s"):
                await shell.run(b"true")
            wire.through.set()
            assert (await shell.run(b"echo again")).out == b"again\n"

    asyncio.run(ask())


def test_a_script_that_takes_too_long_is_an_unreachable_host(sshd: Server) -> None:
    async def ask() -> None:
        async with shell_of(sshd.host()) as shell:
            with pytest.raises(Unreachable, match=r"gpu-1: has not answered for 0\.3 s"):
                await shell.run(b"sleep 60", seconds=0.3)
            assert (await shell.run(b"echo again")).out == b"again\n"

    asyncio.run(ask())


def test_an_unknown_host_key_is_not_talked_to(sshd: Server, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    message, reaction = trouble(sshd.host(host_key=None), known_hosts=str(known))
    assert "its host key SHA256:" in message
    assert f"put it into hosts.yaml or {known}" in message
    assert reaction is Reaction.ELSEWHERE
    known.write_text(f"garbage\n@nothing * x\n[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    known.write_bytes(known.read_bytes() + b"# \xff\n")
    assert run(sshd.host(host_key=None), "echo 1", known_hosts=str(known))[0].out == b"1\n"


def test_a_changed_host_key_is_not_talked_to(sshd: Server, tmp_path: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    message, reaction = trouble(sshd.host(host_key=other))
    assert "THE HOST KEY HAS CHANGED" in message
    assert reaction is Reaction.ELSEWHERE
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sshd.port} {other}\n")
    assert "HAS CHANGED" in trouble(sshd.host(host_key=None), known_hosts=str(known))[0]
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode().strip()
    assert "HAS CHANGED" in trouble(sshd.host(host_key=other))[0]


def test_a_wrong_key_and_a_wrong_user_are_not_tried_again(sshd: Server, tmp_path: Path) -> None:
    path = tmp_path / "id"
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(path)
    path.chmod(0o600)
    message, reaction = trouble(sshd.host(key=str(path)))
    assert f"does not let in user {getpass.getuser()!r} with the key {path}" in message
    assert reaction is Reaction.ELSEWHERE
    message, reaction = trouble(sshd.host(user="nobody-of-that-name"))
    assert "does not let in user 'nobody-of-that-name'" in message
    assert reaction is Reaction.ELSEWHERE


def test_a_key_that_cannot_be_used_fails_at_once(sshd: Server, tmp_path: Path) -> None:
    path = tmp_path / "id"
    cases = {"cannot be read": None, "is no private key": b"nonsense", "has a passphrase": b"locked"}
    for expected, content in cases.items():
        if content == b"locked":
            asyncssh.generate_private_key("ssh-ed25519").write_private_key(path, "pkcs8-pem", passphrase="secret")
        elif content:
            path.write_bytes(content)
        if content:
            path.chmod(0o600)
        message, reaction = trouble(sshd.host(key=str(path)))
        assert expected in message
        assert reaction is Reaction.NEVER
    path.chmod(0o644)
    with pytest.raises(BadKey, match="others may read it; chmod 600"):
        run(sshd.host(key=str(path)), "true")


def test_a_refused_port_is_tried_again_later(sshd: Server) -> None:
    port = free_port()
    message, reaction = trouble(sshd.host(port=port))
    assert message == f"gpu-1: 127.0.0.1 port {port} refuses connections: is sshd running, and on that port?"
    assert reaction is Reaction.LATER


def test_a_name_that_does_not_exist_is_another_matter_than_a_name_server_that_is_silent(
    sshd: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_with(code: int) -> None:
        async def getaddrinfo(*_: object, **__: object) -> None:
            raise socket.gaierror(code, "by this test")

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)

    fail_with(socket.EAI_NONAME)
    message, reaction = trouble(sshd.host(address="gpu-1.invalid"))
    assert "there is no machine named 'gpu-1.invalid'" in message
    assert reaction is Reaction.ELSEWHERE
    fail_with(socket.EAI_AGAIN)
    message, reaction = trouble(sshd.host(address="gpu-1.example"))
    assert "cannot be looked up now" in message
    assert reaction is Reaction.LATER


def test_what_is_no_sshd_is_unreachable(sshd: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # accepts, and never says a word
        message, reaction = trouble(sshd.host(port=listener.getsockname()[1]), seconds=0.5)
    assert "within 0.5 s" in message
    assert reaction is Reaction.LATER


def test_what_a_host_cannot_do_asks_for_another_host() -> None:
    assert reaction_to(JobTrouble("there is no bash on this host")) is Reaction.ELSEWHERE
    assert reaction_to(Unusable("")) is Reaction.ELSEWHERE
    assert reaction_to(RingRiftError("bad settings")) is Reaction.NEVER


def test_no_key_shows_in_logs_or_in_the_list_of_processes(sshd: Server, caplog: pytest.LogCaptureFixture) -> None:
    secret = sshd.key.read_text().splitlines()[1]
    with caplog.at_level(logging.DEBUG):
        answer = run(sshd.host(), "ps -A -o args= 2>/dev/null || cat /proc/[0-9]*/cmdline")[0]
    assert secret not in caplog.text
    assert str(sshd.key) not in answer.out.decode(errors="replace")
