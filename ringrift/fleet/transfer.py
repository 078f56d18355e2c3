"""Fetching files from a host: by rsync where both sides have it, by SFTP otherwise, over the connection that is open.

Both go on at the size that a file has here, and neither says whether what came is right: that is for the checksums of
`sync.py`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

import asyncssh

from ringrift.errors import RingRiftError, UnwritableFile
from ringrift.fleet.hosts import SyncSettings
from ringrift.fleet.shell import Unreachable
from ringrift.fleet.ssh import BEGIN, SshShell, command_of

REMOTE_SHELL: Final = Path(__file__).with_name("rsh.sh")
BLOCK: Final = 1 << 17
"""Bytes of one read by SFTP: what OpenSSH answers in one piece, so that a cut leaves no questions open."""
_NOT_ALL: Final = (0, 23, 24)
"""Exit codes of rsync that only mean that some files could not be read, or have gone meanwhile."""
_WRITING: Final = 11
"""The exit code of rsync when files cannot be written or read, on either side, …"""
_HERE: Final = ("[receiver]", "[generator]")
"""… and what its message begins with if that was ours."""


async def fetch_by_rsync(
    shell: SshShell, folder: str, paths: Sequence[str], into: Path, settings: SyncSettings
) -> None:
    """Fetch files of a folder, each from the size on that it has below `into`."""
    words = ["rsync", "--append", "-s", "--compress", "--compress-level=1", "--files-from=-", "--from0"]
    words += ["--blocking-io"]  # else `cat` in `rsh.sh` would fail whenever rsync is slower than the network
    words += [f"--timeout={settings.stall_seconds}", "-e", f"sh '{REMOTE_SHELL}'"]
    if settings.megabytes_per_second is not None:
        words.append(f"--bwlimit={max(1, round(settings.megabytes_per_second * 1e6 / 1024))}")
    into.mkdir(parents=True, exist_ok=True)
    connection = await shell.connected()
    (from_rsync, to_us), (from_us, to_rsync) = os.pipe(), os.pipe()
    environment = os.environ | {"RINGRIFT_TO": str(to_us), "RINGRIFT_FROM": str(from_us)}
    # These objects own their ends: whoever closes one twice closes it once. The last one keeps a pipe whole whose other
    # end writes to an rsync that may have given up.
    with (
        os.fdopen(from_rsync, "rb", buffering=0) as source,
        os.fdopen(to_rsync, "wb", buffering=0) as sink,
        os.fdopen(from_us, "rb", buffering=0) as kept,
    ):
        try:
            process = await asyncio.create_subprocess_exec(
                *(*words, f"host:{folder}/", f"{into}/"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(to_us, from_us),
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise UnwritableFile(f"rsync cannot be started here ({error.strerror})") from None
        finally:
            os.close(to_us)
        there: asyncssh.SSHClientProcess[bytes] | None = None
        streams = asyncio.create_task(process.communicate(b"".join(os.fsencode(path) + b"\0" for path in paths)))
        try:
            with shell.explained():
                if command := os.fsdecode(await asyncio.to_thread(_first_line, source)):
                    there = await connection.create_process(
                        command_of(f"exec {command}"), encoding=None, stdin=source, stderr=asyncssh.DEVNULL
                    )
                    await _begun(shell, there, settings.stall_seconds)
                    await there.redirect_stdout(sink)
            _, err = await streams
            if process.returncode not in _NOT_ALL:
                raise _explain(shell, into, process.returncode, err.decode(errors="replace").strip())
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its session, with what is left of `rsh.sh`
            kept.close()
            await asyncio.gather(streams, return_exceptions=True)
            if there is not None:
                there.close()
                await there.wait_closed()


async def _begun(shell: SshShell, there: asyncssh.SSHClientProcess[bytes], seconds: float) -> None:
    """Wait until a command begins, and leave out what the login shell says before."""
    try:
        async with asyncio.timeout(seconds):
            await there.stdout.readuntil(BEGIN)
    except asyncio.IncompleteReadError as error:
        raise shell.no_shell(error.partial.decode(errors="replace")) from None
    except TimeoutError:
        raise Unreachable(f"{shell.name}: not a byte has come for {seconds:g} s") from None


def _explain(shell: SshShell, into: Path, code: int | None, message: str) -> RingRiftError:
    """Why rsync has given up."""
    line = next(iter(message.splitlines()), f"exit code {code}")
    if code == _WRITING and line.partition(": ")[2].startswith(_HERE):
        return UnwritableFile(f"{into}: cannot be written ({line.rpartition(': ')[2]})")
    shell.drop()  # it may be the connection that stalled
    return Unreachable(f"{shell.name}: rsync gave up: {line}")


async def fetch_by_sftp(shell: SshShell, folder: str, paths: Sequence[str], into: Path, settings: SyncSettings) -> None:
    """Fetch files of a folder, each from the size on that it has below `into`; those that have gone are left out."""
    connection = await shell.connected()
    pace = _Pace(settings.megabytes_per_second)
    try:
        with shell.explained():
            async with connection.start_sftp_client() as sftp:
                for path in paths:
                    with _dropped_when_late(shell):
                        async with asyncio.timeout(settings.stall_seconds):
                            try:
                                source = await sftp.open(str(PurePosixPath(folder, path)), "rb", block_size=None)
                            except asyncssh.SFTPError:
                                continue  # gone meanwhile
                    async with source:
                        with _dropped_when_late(shell):
                            await _copy(source, into / path, pace, settings.stall_seconds)
    except TimeoutError:
        raise Unreachable(f"{shell.name}: not a byte has come for {settings.stall_seconds} s") from None
    except asyncssh.SFTPError as error:
        raise Unreachable(f"{shell.name}: SFTP failed ({error.reason})") from None
    except OSError as error:
        raise UnwritableFile(f"{into}: cannot be written ({error.strerror or error})") from None


@contextmanager
def _dropped_when_late(shell: SshShell) -> Iterator[None]:
    """Give the connection up before anything else waits for it to answer a goodbye."""
    try:
        yield
    except TimeoutError:
        shell.drop()
        raise


async def _copy(source: asyncssh.SFTPClientFile, target: Path, pace: _Pace, stall_seconds: float) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("ab") as file:
        while True:
            async with asyncio.timeout(stall_seconds):
                block = cast(bytes, await source.read(BLOCK, file.tell()))
            if not block:
                return
            file.write(block)
            await pace.keep(len(block))


class _Pace:
    """A limit of bytes a second, counted from the beginning."""

    def __init__(self, megabytes_per_second: float | None) -> None:
        self._rate = None if megabytes_per_second is None else megabytes_per_second * 1e6
        self._started = time.monotonic()
        self._bytes = 0

    async def keep(self, size: int) -> None:
        """Wait until so many more bytes are allowed."""
        self._bytes += size
        if self._rate is not None:
            await asyncio.sleep(max(0.0, self._started + self._bytes / self._rate - time.monotonic()))


def have_rsync() -> bool:
    """Whether this machine has rsync."""
    return shutil.which("rsync") is not None


def _first_line(pipe: IO[bytes]) -> bytes:
    """The line that `rsh.sh` writes first; empty if rsync has given up before."""
    line = b""
    while not line.endswith(b"\n"):
        byte = pipe.read(1)
        if not byte:
            return b""
        line += byte
    return line.strip()
