"""Hosts that name a connection of Airflow, reached by the hooks of the SSH provider.

Address, port, user, key and host key come from the connection, and so from any secrets backend; `airflow connections
test` tries the same connection with the same hook.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncssh
import paramiko
from airflow.providers.ssh.hooks.ssh import SSHHook, SSHHookAsync
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

from ringrift.fleet import Answer, Unreachable
from ringrift.fleet.hosts import ConnectionSettings, Host
from ringrift.fleet.ssh import BEGIN, Unusable

BLOCK: Final = 1 << 15
"""Bytes of one read."""
PAUSE: Final = 0.01
"""Seconds between two looks at a channel."""


async def connect(host: Host, settings: ConnectionSettings) -> asyncssh.SSHClientConnection:
    """Open the connection that a host names; raises what `asyncssh.connect` raises, and `Unusable`."""
    name = str(host.connection)
    hook = SSHHookAsync(
        ssh_conn_id=name,
        known_hosts=settings.known_hosts,
        keepalive_interval=max(1, round(settings.keepalive_seconds)),
    )
    try:
        connection: asyncssh.SSHClientConnection = await hook.get_conn()
    except AirflowNotFoundException:
        raise _absent(name) from None
    except (AirflowException, asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        raise Unusable(f"connection {name} cannot be used: {_line(error)}") from None
    return connection


class ConnectionShell:
    """A shell over the `SSHHook` of a connection; each call waits in a thread, since paramiko blocks."""

    def __init__(self, name: str, connection: str, settings: ConnectionSettings) -> None:
        """Keep what to connect with; the first `run` connects."""
        self.name = name
        self._id = connection
        self._settings = settings
        self._client: paramiko.SSHClient | None = None

    async def run(self, script: bytes, *, seconds: float = 60.0) -> Answer:
        """Send a text to `sh -s` there."""
        return await asyncio.to_thread(self._run, b"echo %s\n" % BEGIN.strip() + script, seconds)

    async def close(self) -> None:
        """Close the connection; the next `run` opens another."""
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)

    def _run(self, script: bytes, seconds: float) -> Answer:
        with self._explained():
            channel = self._connected().open_session(timeout=float(self._settings.seconds))
            with channel:
                channel.settimeout(seconds)
                channel.exec_command("sh -s")
                out, err = self._talk(channel, script, time.monotonic() + seconds)
                code = channel.recv_exit_status()
        greeting, begin, answer = out.partition(BEGIN)
        complaint = err.decode(errors="replace").strip()
        if not begin:
            line = next(iter((greeting.decode(errors="replace").strip() or complaint).splitlines()), "nothing")
            raise Unusable(f"{self.name}: the shell of connection {self._id} runs no commands; it says: {line}")
        return Answer(code, answer, complaint)

    def _talk(self, channel: paramiko.Channel, script: bytes, give_up: float) -> tuple[bytes, bytes]:
        """Send the script while its answers are read, so that neither side waits for the other."""
        out, err, left = bytearray(), bytearray(), memoryview(script)
        while not (channel.exit_status_ready() and channel.eof_received) or channel.recv_ready():
            if left and channel.send_ready():
                left = left[channel.send(left[:BLOCK]) :]
                if not left:
                    channel.shutdown_write()
            elif channel.recv_ready():
                out += channel.recv(BLOCK)
            elif channel.recv_stderr_ready():
                err += channel.recv_stderr(BLOCK)
            elif channel.closed:
                raise EOFError("the connection was lost")
            elif time.monotonic() > give_up:
                raise TimeoutError
            else:
                time.sleep(PAUSE)
        while channel.recv_stderr_ready():
            err += channel.recv_stderr(BLOCK)
        return bytes(out), bytes(err)

    def _connected(self) -> paramiko.Transport:
        """Return the connection; it is opened if there is none."""
        transport = None if self._client is None else self._client.get_transport()
        if transport is None or not transport.is_active():
            settings = self._settings
            hook = SSHHook(
                ssh_conn_id=self._id,
                conn_timeout=max(1, round(settings.seconds)),
                keepalive_interval=max(1, round(settings.keepalive_seconds)),
                conn_retry_attempts=1,  # the caller retries, and reports it
            )
            self._client = hook.get_conn()
            transport = self._client.get_transport()
            if transport is None:
                raise EOFError("the connection was lost")
        return transport

    @contextmanager
    def _explained(self) -> Iterator[None]:  # noqa: C901 - a branch per kind of error
        """Raise what goes wrong inside the block as an error in one line, of the class that says how to react."""
        where = f"{self.name}: connection {self._id}"
        try:
            yield
        except AirflowNotFoundException:
            raise Unusable(f"{self.name}: {_absent(self._id)}") from None
        except paramiko.BadHostKeyException as error:
            raise Unusable(f"{where}: THE HOST KEY HAS CHANGED: a stranger may be listening ({_line(error)})") from None
        except paramiko.AuthenticationException as error:
            raise Unusable(f"{where}: its user is not let in ({_line(error)}): see its login and key") from None
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise Unreachable(f"{where}: the name of its host cannot be looked up now") from None
            raise Unusable(f"{where}: there is no machine of that name") from None
        except TimeoutError:
            raise Unreachable(f"{where}: has not answered in time") from None
        except (EOFError, OSError) as error:
            raise Unreachable(f"{where}: cannot be reached ({_line(error)})") from None
        except paramiko.SSHException as error:
            if "known_hosts" in str(error):
                raise Unusable(f"{where}: its host key is not known ({_line(error)}): put it into host_key") from None
            raise Unreachable(f"{where}: cannot be reached ({_line(error)})") from None
        except (AirflowException, ValueError) as error:
            raise Unusable(f"{where} cannot be used: {_line(error)}") from None
        finally:
            transport = None if self._client is None else self._client.get_transport()
            if transport is None or not transport.is_active():
                self._client = None


def _absent(connection: str) -> Unusable:
    return Unusable(f"connection {connection!r} is missing: `airflow connections add {connection} …` makes it")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
