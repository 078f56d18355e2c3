"""Services of hosts and of the coordinator: units of systemd, which work unasked and after a reboot.

The units are templates in `include/systemd/`, filled in here, and installed by `services.sh` for the user's systemd.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ringrift.fleet.hosts import Host
from ringrift.fleet.shell import JobTrouble, Shell
from ringrift.settings import BadSettings

SCRIPT: Final = Path(__file__).with_name("services.sh").read_text("utf-8")
UNITS: Final = Path("include") / "systemd"
AIRFLOW: Final = ("scheduler", "dag-processor", "triggerer", "api-server")
"""The components of Airflow, each a service of the coordinator."""
SECONDS: Final = 300.0
"""The time that systemd may take to stop and start the services of a host."""
_PLACE: Final = re.compile(r"@(\w+)@")


@dataclass(frozen=True)
class Services:
    """The services that a machine is to have."""

    home: str
    """The folder that they work in."""
    names: tuple[str, ...]
    """Names of services, such as `ringrift-selfplay@square8_2p.service`."""
    units: Mapping[str, bytes] = field(repr=False)
    """The files of units by name, filled in."""


@dataclass(frozen=True)
class Installed:
    """The services that a machine has."""

    units: Mapping[str, str]
    """SHA-256 of files of units by name."""
    enabled: frozenset[str]
    active: frozenset[str]


@dataclass(frozen=True)
class ServiceChange:
    """The settings of services on hosts."""

    restart: bool = False
    """Restart also those that run what they should."""
    hot_reload: bool = True
    """Restart those that run an older release; else they go on with it until they end."""
    watch_seconds: int = 10
    """Seconds for which what has been started has to stay alive."""


def host_services(
    source: Path, hosts: Mapping[str, Host], configs: Sequence[str], *, from_zero: bool = False
) -> dict[str, Services]:
    """Return the services of those hosts that are for self-play: of each config that a host can bear.

    `configs` and `from_zero` are those of the loop; `source` is the checkout. `BadSettings` if there is no such host,
    or nothing that one of them can do.
    """
    players = {name: host for name, host in hosts.items() if "selfplay" in host.roles}
    if not players:
        raise BadSettings(f"services are for the role selfplay, which none of the hosts {', '.join(hosts)} has")
    return {name: _selfplay_services(source, name, host, configs, from_zero) for name, host in players.items()}


def _selfplay_services(source: Path, name: str, host: Host, configs: Sequence[str], from_zero: bool) -> Services:
    chosen = [config for config in configs if host.bears(config)]
    if not chosen:
        able = ", ".join(host.configs or ())
        raise BadSettings(
            f"host {name}: can bear no config: hosts.yaml names {able}, the loop has {', '.join(configs)}"
        )
    words = {"program": _home_as_specifier(host.program), "home": _home_as_specifier(host.home), "host": name}
    words["from_zero"] = " --from-zero" if from_zero else ""
    template = "ringrift-selfplay@.service"
    names = tuple(f"ringrift-selfplay@{config}.service" for config in chosen)
    return Services(host.home, names, {template: _filled(source, template, words)})


def coordinator_services(source: Path, home: Path, *, sync: bool) -> Services:
    """Return the services of this machine: Airflow's components, metrics and pages; sync if there may be hosts."""
    words = {
        "program": _escaped(str(Path(sys.executable).with_name("ringrift"))),
        "python": _escaped(sys.executable),
        "plugins": _escaped(str(source / "plugins")),
        "home": _escaped(str(home)),
    }
    single = ["ringrift-metrics.service", "ringrift-web.service", *(["ringrift-sync.service"] if sync else [])]
    units = ["ringrift-airflow-migrate.service", "ringrift-airflow@.service", *single]
    names = (*(f"ringrift-airflow@{component}.service" for component in AIRFLOW), *single)
    return Services(str(home), names, {unit: _filled(source, unit, words) for unit in units})


async def bring_services(
    shell: Shell, host: str, wanted: Services, change: ServiceChange, *, new_release: bool, dry_run: bool
) -> AsyncIterator[str]:
    """Do what is missing of the services of a machine, naming each step before it is done.

    `new_release` says that the program is not the one that the services have begun with.
    """
    installed = _installed(await _ask(shell, host, "state"))
    changed = {
        name: text
        for name, text in wanted.units.items()
        if installed.units.get(name) != hashlib.sha256(text).hexdigest()
    }
    ours = tuple(name.removesuffix(".service") for name in wanted.units)
    superfluous = sorted(
        name for name in installed.enabled | installed.active if name.startswith(ours) and name not in wanted.names
    )
    superfluous = [name for name in superfluous if name not in wanted.units]
    stopped = [name for name in wanted.names if name not in installed.enabled & installed.active]
    outdated = change.restart or bool(changed) or (new_release and change.hot_reload)
    running = [name for name in wanted.names if name not in stopped] if outdated else []
    content = [word for name, text in sorted(changed.items()) for word in (name, base64.b64encode(text).decode())]
    watched = str(change.watch_seconds)
    todo = (
        ("install", sorted(changed), [wanted.home, *content]),
        ("stop", superfluous, superfluous),
        ("start", stopped, [watched, *stopped]),
        ("restart", running, [watched, *running]),
    )
    for verb, names, words in todo:
        if names:
            yield f"{verb} {', '.join(name.removesuffix('.service') for name in names)}"
            if not dry_run:
                await _ask(shell, host, verb, *words)


async def _ask(shell: Shell, host: str, verb: str, *words: str) -> str:
    answer = await shell.run(f"set -- {shlex.join([verb, *words])}\n{SCRIPT}".encode(), seconds=SECONDS)
    if answer.code:
        raise JobTrouble(f"{host}: {answer.complaint}")
    return answer.out.decode(errors="replace")


def _installed(answer: str) -> Installed:
    lines = [line.split() for line in answer.splitlines()]
    return Installed(
        {line[1]: line[2] for line in lines if line[:1] == ["unit"] and len(line) == 3},
        frozenset(line[1] for line in lines if line[:1] == ["enabled"] and len(line) == 2),
        frozenset(line[1] for line in lines if line[:1] == ["active"] and len(line) == 2),
    )


def _filled(source: Path, unit: str, words: Mapping[str, str]) -> bytes:
    """Return a template with its words in place."""
    try:
        text = (source / UNITS / unit).read_text("utf-8")
    except OSError as error:
        raise BadSettings(
            f"{source / UNITS / unit}: cannot be read ({error.strerror}); deploy from a checkout"
        ) from None
    return _PLACE.sub(lambda match: words[match[1]], text).encode()


def _home_as_specifier(path: str) -> str:
    """Return a path on a host as systemd reads it, whose units have `%h` in place of `~`."""
    return f"%h{_escaped(path[1:])}" if path.startswith("~") else _escaped(path)


def _escaped(path: str) -> str:
    return path.replace("%", "%%")
