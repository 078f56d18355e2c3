"""The champion of a config on all self-play hosts: `ringrift distribute`."""

from __future__ import annotations

import asyncio
import secrets
import shlex
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ringrift.errors import RingRiftError
from ringrift.fleet.answers import SUMS, checked
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import FleetSettings, Host
from ringrift.fleet.outcome import note_answer, note_trouble
from ringrift.fleet.shell import JobTrouble
from ringrift.fleet.ssh import OpenConnection, SshShell, no_connections, open_shells
from ringrift.models import ModelStore
from ringrift.models.files import ModelFiles, checksum
from ringrift.models.former import league_models

SCRIPT: Final = Path(__file__).with_name("place.sh").read_text("utf-8")
SECONDS: Final = 600.0
"""The seconds that one file may take on a slow network."""

Outcome = Literal["there already", "replaced", "failed"]


class NoChampion(RingRiftError):
    """A config that has no champion to distribute."""


@dataclass(frozen=True)
class Delivery:
    """The outcome for one host."""

    host: str
    outcome: Outcome
    seconds: float
    trouble: str = ""
    reaction: str = ""


@dataclass(frozen=True)
class Distribution:
    """The outcome for all hosts."""

    config: str
    model: str
    hosts: tuple[Delivery, ...]

    @property
    def complete(self) -> bool:
        """Whether all hosts have it."""
        return not any(host.outcome == "failed" for host in self.hosts)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON for programs."""
        return {"complete": self.complete} | asdict(self)


def distribute(
    store: ModelStore,
    config: str,
    hosts: Mapping[str, Host],
    settings: FleetSettings,
    *,
    players: str = "",
    health: Health | None = None,
    connect: OpenConnection = no_connections,
) -> Distribution:
    """Bring the champion of a config to hosts, and whom else specs of `players` name; who has them is left alone.

    A host has the old champion or the new one at any moment, and self-play takes the new one in at its next game.
    """
    champion = store.champion(config)
    if champion is None:
        raise NoChampion(f"{config}: there is no champion to distribute; `ringrift promote` makes one")
    files = {config: store.read(champion)}
    files |= {name: store.read(model) for name, model in league_models(store, config, players).items()}

    async def run() -> tuple[Delivery, ...]:
        async with open_shells(hosts, settings.connection, connect) as shells:
            return tuple(await asyncio.gather(*(_deliver(shell, files, health) for shell in shells.values())))

    return Distribution(config, champion.id, asyncio.run(run()))


async def _deliver(shell: SshShell, models: Mapping[str, ModelFiles], health: Health | None) -> Delivery:
    """Bring models, by the name of their files, to a host."""
    started = time.monotonic()
    try:
        replaced = [await _replace(shell, name, files) for name, files in models.items()]
    except RingRiftError as error:
        reaction = await note_trouble(health, shell.name, error)
        return Delivery(shell.name, "failed", time.monotonic() - started, str(error), reaction.value)
    await note_answer(health, shell.name)
    return Delivery(shell.name, "replaced" if any(replaced) else "there already", time.monotonic() - started)


async def _replace(shell: SshShell, name: str, files: ModelFiles) -> bool:
    """Put a model in the place of another; return whether the host lacked it."""
    sums = checksum(files.sidecar), checksum(files.weights)
    answer = await _ask(shell, "sums", name)
    if checked(SUMS, answer.split(), shell.name, "the checksums of its champion") == sums:
        return False
    caller = secrets.token_hex(8)
    for content, ending in ((files.weights, "pth"), (files.sidecar, "json")):
        await _ask(shell, "take", name, ending, caller, content=content)
    await _ask(shell, "swap", name, *sums, caller)
    return True


async def _ask(shell: SshShell, verb: str, *words: str, content: bytes = b"") -> str:
    script = f"set -- {shlex.join([verb, shell.host.home, *words])}\n{SCRIPT}"
    answer = await shell.feed(script, content, seconds=SECONDS)
    if answer.code:
        raise JobTrouble(f"{shell.name}: cannot take the model: {answer.complaint}")
    return answer.out.decode(errors="replace")
