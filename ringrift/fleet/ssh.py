"""A shell on a host over SSH: one connection, kept open, strict about host keys, and clear about what went wrong.

Three kinds of trouble, and what to do about each: `Unreachable`, ask again later; `Unusable`, take another host until
a person has seen to this one; `BadKey`, nothing works before the settings here are mended.

In code that is not asynchronous, `with asyncio.Runner() as runner: runner.run(shell.run(…))` keeps the connection from
one call to the next.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

import asyncssh

from ringrift.errors import RingRiftError
from ringrift.fleet.hosts import ConnectionSettings, Host, Reach
from ringrift.fleet.shell import Answer, JobTrouble, Unreachable
from ringrift.fleet.site import UnknownHost
from ringrift.fleet.socks import connect_through, socks_proxy

SESSIONS: Final = 8
"""Sessions at once on one connection; OpenSSH allows ten."""
LONGEST_ANSWER: Final = 100_000_000
"""Bytes; a list of a million files has fewer."""
_BLOCK: Final = 1 << 16
_GOODBYE: Final = 2.0
"""Seconds to close a connection in good order."""
_PAUSES: Final = (0.05, 0.2, 1.0)
"""Seconds between tries to begin another session."""

_log = logging.getLogger(__name__)

_Keys = list[asyncssh.SSHKey]
_KnownKeys = tuple[_Keys, _Keys, _Keys, list[Any], list[Any], list[Any], list[Any]]
"""Trusted, of authorities, revoked; and the same as certificates."""

asyncssh.set_log_level("WARNING")  # below, it tells every connection


BEGIN: Final = b"ringrift: begin\n"
"""The line before every answer: what comes earlier is the greeting of a login shell."""


class Unusable(RingRiftError):
    """A host that must not or cannot be used until a person has seen to it: its name, its key, its user."""


class NoSuchMachine(Unusable):
    """An address that names no machine."""


class BadKey(RingRiftError):
    """A private key here that cannot be used."""


class UnknownConnection(RingRiftError):
    """A host whose address is in a connection of Airflow, which is not known here."""


OpenConnection = Callable[[Host, ConnectionSettings], Awaitable[asyncssh.SSHClientConnection]]
"""Connects to a host whose `connection` is named; raises what `asyncssh.connect` raises, and errors of ours."""


async def no_connections(host: Host, settings: ConnectionSettings) -> asyncssh.SSHClientConnection:
    """Refuse a named connection, as whoever works without Airflow has to; `UnknownConnection`."""
    raise UnknownConnection(
        f"its address is in the connection {host.connection!r} of Airflow, and only Airflow's tasks know that: "
        "give address and user in hosts.yaml to reach it from here"
    )


class Reaction(StrEnum):
    """The advice for an error."""

    LATER = "retry later"
    ELSEWHERE = "other host"
    NEVER = "fail at once"


def reaction_to(error: BaseException) -> Reaction:
    """Return the advice for an error of a host; what is no trouble of hosts would be the same on any of them."""
    if isinstance(error, Unreachable):
        return Reaction.LATER
    return Reaction.ELSEWHERE if isinstance(error, Unusable | JobTrouble | UnknownHost) else Reaction.NEVER


class SshShell:
    """A way to a host over SSH; the connection is made when it is needed, and made again when it was lost."""

    def __init__(
        self, name: str, host: Host, settings: ConnectionSettings, connect: OpenConnection = no_connections
    ) -> None:
        """Nothing is connected yet; `connect` opens the connection that the host names, if it does."""
        self.name = name
        self.host = host
        self.connections = 0
        """The number of connections that have been made."""
        self.compress = False
        """Whether the next connection compresses: good for SFTP, a waste for what is packed already."""
        self._settings = settings
        self._open = connect
        self._jumps: list[asyncssh.SSHClientConnection] = []
        self._connection: asyncssh.SSHClientConnection | None = None
        self._connecting = asyncio.Lock()
        self._sessions = asyncio.Semaphore(SESSIONS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, script: bytes, *, seconds: float = 60.0) -> Answer:
        """Send a text to `sh -s` there."""
        return await self._ask("sh -s", b"echo %s\n" % BEGIN.strip() + script, seconds)

    async def feed(self, script: str, content: bytes, *, seconds: float = 60.0) -> Answer:
        """Run a text of shell that reads `content` from its standard input."""
        return await self._ask(command_of(script), content, seconds)

    async def close(self) -> None:
        """Let go of the connection; the next `run` makes another."""
        for connection in self._let_go():
            connection.close()
            try:
                async with asyncio.timeout(_GOODBYE):
                    await connection.wait_closed()
            except TimeoutError:  # the other side is gone
                connection.abort()

    def drop(self) -> None:
        """Give up a connection that seems to be dead, without a word to the other side."""
        for connection in self._let_go():
            connection.abort()

    def _let_go(self) -> list[asyncssh.SSHClientConnection]:
        """Forget the connection, and return it before those that it goes through, the farthest first."""
        connections = [*([] if self._connection is None else [self._connection]), *reversed(self._jumps)]
        self._connection, self._jumps = None, []
        return connections

    async def connected(self) -> asyncssh.SSHClientConnection:
        """The connection, which is made if there is none."""
        async with self._connecting:
            if self._connection is None or self._connection.is_closed():
                self.drop()  # what it went through, if there is something left of it
                self._connection = await self._connect()
                self.connections += 1
            return self._connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Raise an error of the connection inside the block as an error in one line."""
        try:
            yield
        except (asyncssh.DisconnectError, asyncssh.ChannelOpenError, ConnectionError) as error:
            self.drop()
            raise Unreachable(f"{self.name}: the connection was lost ({_reason(error)})") from None

    def no_shell(self, output: str) -> Unusable:
        """Return the error for a host whose login shell has not begun a command."""
        line = next((line.strip() for line in output.splitlines() if line.strip()), "nothing")
        return Unusable(f"{self.name}: the shell of user {self.host.user!r} runs no commands; it says: {line}")

    async def _ask(self, command: str, content: bytes, seconds: float) -> Answer:
        async with self._sessions:
            process = await self._begin(command)
            try:
                with self.explained():
                    async with asyncio.timeout(seconds):
                        with suppress(BrokenPipeError):  # it has ended already, and its output tells why
                            process.stdin.write(content)
                            process.stdin.write_eof()
                        out, err = await asyncio.gather(self._read(process.stdout), self._read(process.stderr))
                        await process.wait_closed()
            except TimeoutError:
                self.drop()  # it may be dead without knowing it; a command that goes on hears the hang-up
                raise Unreachable(f"{self.name}: has not answered for {seconds:g} s") from None
            finally:
                process.close()
        code = process.returncode
        if code is None:
            self.drop()
            raise Unreachable(f"{self.name}: the connection was lost while a command ran")
        greeting, begin, answer = out.partition(BEGIN)
        error_output = err.decode(errors="replace").strip()
        if not begin:
            raise self.no_shell(greeting.decode(errors="replace") or error_output)
        return Answer(code, answer, error_output)

    async def _read(self, stream: asyncssh.SSHReader[bytes]) -> bytes:
        """Read to the end; `JobTrouble` for a host that does not stop talking."""
        content = bytearray()
        while block := await stream.read(_BLOCK):
            content += block
            if len(content) > LONGEST_ANSWER:
                raise JobTrouble(f"{self.name}: answers with more than {LONGEST_ANSWER / 1e6:.0f} MB")
        return bytes(content)

    async def _begin(self, command: str) -> asyncssh.SSHClientProcess[bytes]:
        """Begin a command; on a connection that turns out to be lost, once more on a new one."""
        kept = self._connection
        connection = await self.connected()
        if connection is kept:
            try:
                return await self._process(connection, command)
            except Unreachable:
                connection = await self.connected()
        return await self._process(connection, command)

    async def _process(
        self, connection: asyncssh.SSHClientConnection, command: str
    ) -> asyncssh.SSHClientProcess[bytes]:
        try:
            with self.explained():
                async with asyncio.timeout(float(self._settings.seconds)):
                    for pause in _PAUSES:
                        try:
                            return await connection.create_process(command, encoding=None)
                        except asyncssh.ChannelOpenError:  # too many sessions: some have ended, and count still
                            await asyncio.sleep(pause)
                    return await connection.create_process(command, encoding=None)
        except TimeoutError:
            self.drop()
            raise Unreachable(f"{self.name}: has not answered for {self._settings.seconds:g} s") from None

    async def _connect(self) -> asyncssh.SSHClientConnection:
        """Connect to the host, by way of its jump hosts, the nearest first."""
        if self.host.connection is not None:
            return await self._connect_by_name()
        try:
            for jump in self.host.jumps:
                self._jumps.append(await self._reach(jump, f"{self.name} by way of {jump.address}"))
            return await self._reach(self.host, self.name)
        except BaseException:
            self.drop()
            raise

    async def _reach(self, reach: Reach, name: str) -> asyncssh.SSHClientConnection:
        """Connect to a machine at its address, or, where that does not help, at its name in an overlay network."""
        hop = _Hop(name, reach, self._settings, self.compress, self._jumps[-1] if self._jumps else None)
        addresses = [str(reach.address), *([reach.overlay] if reach.overlay else [])]
        for address in addresses[:-1]:
            try:
                return await hop.connect(address)
            except (Unreachable, NoSuchMachine) as error:
                _log.debug("%s; it is tried at %s", error, addresses[-1])
        return await hop.connect(addresses[-1])

    async def _connect_by_name(self) -> asyncssh.SSHClientConnection:
        """Connect as the connection of Airflow says that the host names."""
        named = f"connection {self.host.connection}"
        with _explained_connect(self.name, named, self._settings):
            try:
                async with asyncio.timeout(float(self._settings.seconds)):
                    return await self._open(self.host, self._settings)
            except asyncssh.HostKeyNotVerifiable as error:
                message = f"{self.name}: its host key is not trusted ({_reason(error)}): see host_key of {named}"
                raise Unusable(message) from None
            except asyncssh.PermissionDenied:
                raise Unusable(f"{self.name}: does not let in the user of {named}: see its login and key") from None
            except socket.gaierror as error:
                if error.errno == socket.EAI_AGAIN:
                    raise
                raise NoSuchMachine(f"{self.name}: there is no machine named the host of {named}") from None
            except (UnknownConnection, Unusable) as error:  # of whoever opens it, and knows no names of hosts
                raise type(error)(f"{self.name}: {error}") from None


@dataclass(frozen=True)
class _Hop:
    """A machine that is connected to as hosts.yaml says, from here or from the machine before it."""

    name: str
    reach: Reach
    settings: ConnectionSettings
    compress: bool
    tunnel: asyncssh.SSHClientConnection | None

    async def connect(self, address: str) -> asyncssh.SSHClientConnection:
        """Connect to it at an address; what goes wrong is an error in one line, of the kind that says what to do."""
        reach, client = self.reach, _Client()
        with _explained_connect(self.name, f"{address} port {reach.port}", self.settings):
            try:
                return await self._connect_to(address, client)
            except Unreachable as error:  # of the proxy
                raise Unreachable(f"{self.name}: {error}") from None
            except asyncssh.HostKeyNotVerifiable:
                raise Unusable(self._distrust(client)) from None
            except asyncssh.PermissionDenied:
                key = f"the key {reach.key}" if reach.key else "any key of the SSH agent"
                message = f"{self.name}: does not let in user {reach.user!r} with {key}"
                raise Unusable(f"{message}: is the user right, and is the key in its authorized_keys there?") from None
            except socket.gaierror as error:
                if error.errno == socket.EAI_AGAIN:
                    raise
                message = f"{self.name}: there is no machine named {address!r}: see address in hosts.yaml"
                raise NoSuchMachine(message) from None

    async def _connect_to(self, address: str, client: _Client) -> asyncssh.SSHClientConnection:
        settings, reach = self.settings, self.reach
        keys = [_private_key(Path(reach.key).expanduser())] if reach.key else ()
        proxy = socks_proxy() if self.tunnel is None else None
        sock = None
        if proxy is not None:
            sock = await connect_through(proxy, address, reach.port, float(settings.seconds))
        return await asyncssh.connect(
            address,
            reach.port,
            tunnel=self.tunnel or (),
            sock=sock,
            username=reach.user or (),
            client_keys=keys,
            agent_path=None if keys else (),
            preferred_auth="publickey",
            known_hosts=self._known_keys(),
            # After the kinds that are known, all others: else a host with a new kind of key would only hang up.
            server_host_key_algs="+ssh-ed25519,ecdsa-sha2-*,rsa-sha2-*",
            client_factory=lambda: client,
            connect_timeout=float(settings.seconds),
            login_timeout=float(settings.seconds),
            keepalive_interval=float(settings.keepalive_seconds),
            keepalive_count_max=settings.keepalive_missed,
            compression_algs=["zlib@openssh.com", "none"] if self.compress else ["none"],
            encryption_algs="^aes128-gcm@openssh.com,aes256-gcm@openssh.com",  # which processors have built in
        )

    def _known_keys(self) -> _KnownKeys | bytes:
        """Return the machine's known keys: that of hosts.yaml, or the text of known_hosts."""
        if self.reach.host_key is not None:
            try:
                return [asyncssh.import_public_key(self.reach.host_key)], [], [], [], [], [], []
            except asyncssh.KeyImportError as error:
                raise BadKey(f"{self.name}: host_key in hosts.yaml is no public key ({error})") from None
        try:
            text = Path(self.settings.known_hosts).expanduser().read_text(errors="replace")
        except OSError:
            text = ""
        return "\n".join(["#", *filter(_readable, text.splitlines())]).encode()  # an empty one would mean another file

    def _distrust(self, client: _Client) -> str:
        """Return why the key of a machine is not believed."""
        shown = client.shown.get_fingerprint() if client.shown else "none"
        if asyncssh.match_known_hosts(self._known_keys(), *client.place)[0]:
            message = f"{self.name}: THE HOST KEY HAS CHANGED, it is {shown} now: a stranger may be listening"
            return f"{message}; if the host is new, {self._remedy()}"
        return f"{self.name}: its host key {shown} is not known: if it is the right one, {self._remedy()}"

    def _remedy(self) -> str:
        where = "hosts.yaml" if self.reach.host_key else f"hosts.yaml or {self.settings.known_hosts}"
        return f"put it into {where}"


@contextmanager
def _explained_connect(name: str, place: str, settings: ConnectionSettings) -> Iterator[None]:
    """Raise what goes wrong with any way to connect inside the block as an error in one line."""
    try:
        yield
    except asyncssh.KeyExchangeFailed as error:
        raise Unusable(f"{name}: has no cipher or kind of key in common with us ({_reason(error)})") from None
    except asyncssh.ConfigParseError as error:
        raise BadKey(f"~/.ssh/config: cannot be read ({error})") from None
    except socket.gaierror:
        message = f"{name}: the name of {place} cannot be looked up now: is the name server reachable?"
        raise Unreachable(message) from None
    except TimeoutError:
        raise Unreachable(f"{name}: no answer from {place} within {settings.seconds:g} s") from None
    except ConnectionRefusedError:
        raise Unreachable(f"{name}: {place} refuses connections: is sshd running, and on that port?") from None
    except asyncssh.ChannelOpenError as error:
        raise Unreachable(f"{name}: the machine before it cannot reach {place} ({_reason(error)})") from None
    except (asyncssh.DisconnectError, OSError) as error:
        raise Unreachable(f"{name}: cannot connect to {place} ({_reason(error)})") from None


def command_of(script: str) -> str:
    """A command that runs a text of POSIX shell, whatever the login shell is, and says `BEGIN` first.

    Shells differ in what they do within quotes (fish: backslashes, csh: ends of lines); all leave base64 as it is.
    """
    text = base64.b64encode(b"echo %s\n" % BEGIN.strip() + os.fsencode(script)).decode()
    return f"exec sh -c 'eval \"$(echo {text} | base64 -d)\"'"


@asynccontextmanager
async def open_shells(
    hosts: Mapping[str, Host], settings: ConnectionSettings, connect: OpenConnection = no_connections
) -> AsyncIterator[dict[str, SshShell]]:
    """Open a shell for each host, closed at the end."""
    async with AsyncExitStack() as stack:
        shells = {name: SshShell(name, host, settings, connect) for name, host in hosts.items()}
        for shell in shells.values():
            await stack.enter_async_context(shell)
        yield shells


class _Client(asyncssh.SSHClient):
    """Remembers what a host has shown."""

    def __init__(self) -> None:
        self.shown: asyncssh.SSHKey | None = None
        self.place = ("", "", 0)

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Called for a key that is not known: it stays so."""
        self.shown, self.place = key, (host, addr, port)
        return False


def _readable(line: str) -> bool:
    """Whether a line of known_hosts says something; OpenSSH passes over others, too."""
    try:
        asyncssh.import_known_hosts(line)
    except ValueError:
        return False
    return True


def _private_key(path: Path) -> asyncssh.SSHKey:
    try:
        if path.stat().st_mode & 0o077:
            raise BadKey(f"key {path}: others may read it; chmod 600")
        return asyncssh.read_private_key(path)
    except OSError as error:
        raise BadKey(f"key {path}: cannot be read ({error.strerror})") from None
    except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError) as error:
        if "passphrase" in str(error).lower():
            message = f"key {path}: has a passphrase; give it to the SSH agent, and leave out key in hosts.yaml"
            raise BadKey(message) from None
        raise BadKey(f"key {path}: is no private key ({error})") from None


def _reason(error: BaseException) -> str:
    """One line of what a library says."""
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(reason).split())
