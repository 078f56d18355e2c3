"""Program and environment on hosts that have Python, sshd and no more: `ringrift hosts deploy`, by `install.sh`.

A release is the code and the settings as they are here, named after its content; an environment is the packages that
it needs, named after their list. What is there already is left alone, so that a second deploy changes nothing, and
processes that run go on with the release they began with.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import re
import shlex
import tarfile
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

import ringrift
from ringrift.errors import RingRiftError
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import LOCAL, DeploySettings, FleetSettings, Host
from ringrift.fleet.outcome import note_answer, note_trouble
from ringrift.fleet.services import ServiceChange, Services, bring_services
from ringrift.fleet.shell import JobTrouble, LocalShell
from ringrift.fleet.ssh import SshShell, open_shells
from ringrift.game_database.settings import DatabaseSettings
from ringrift.run_context import RunContext
from ringrift.settings import BadSettings, config_folder, read_config, unknown_name
from ringrift.version import code_version

SCRIPT: Final = Path(__file__).with_name("install.sh").read_text("utf-8")
PACKED: Final = ("pyproject.toml", "constraints.txt", "README.md", "ringrift")
SETTINGS: Final = "include/config"
LEFT_HERE: Final = ("hosts.yaml",)
"""Settings that no other host may see."""
DIGITS: Final = 16
_OWN_EXTRAS: Final = re.compile(r"ringrift\[([^\]]*)\]")


@dataclass(frozen=True)
class HostDeploy:
    """The outcome for one host."""

    host: str
    release: str
    steps: tuple[str, ...] = ()
    """The steps that were taken, or would be; empty if all is there."""
    trouble: str = ""
    reaction: str = ""


@dataclass(frozen=True)
class FleetDeploy:
    """The outcome for all hosts."""

    hosts: tuple[HostDeploy, ...]
    dry_run: bool

    @property
    def complete(self) -> bool:
        """Whether nothing has failed."""
        return not any(host.trouble for host in self.hosts)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON for programs."""
        return {"complete": self.complete} | asdict(self)


@dataclass(frozen=True)
class Package:
    """The files that go to a host."""

    release: str
    environment: str
    code: bytes
    """A .tar.gz."""
    lists: bytes
    """A .tar with the lists of packages."""


def deploy(
    hosts: Mapping[str, Host],
    context: RunContext[FleetSettings],
    *,
    dry_run: bool = False,
    source: Path | None = None,
    health: Health | None = None,
    services: Mapping[str, Services] | None = None,
    change: ServiceChange = ServiceChange(),  # noqa: B008 - it cannot be changed
) -> FleetDeploy:
    """Bring code and environment to hosts, all at once, and to those that are named in `services` their services.

    `source` is the checkout, by default the one that this program runs from. `dry_run` only asks what there is.
    """
    source = source or checkout()
    settings = context.settings
    services = services or {}
    packages = {name: pack(source, host.extras) for name, host in hosts.items()}

    async def run() -> tuple[HostDeploy, ...]:
        async with open_shells(hosts, settings.connection) as shells:
            return tuple(
                await asyncio.gather(
                    *(
                        _deploy(
                            name,
                            packages[name].release,
                            _steps(shell, packages[name], settings.deploy, dry_run, services.get(name), change),
                            context,
                            health,
                        )
                        for name, shell in shells.items()
                    )
                )
            )

    return FleetDeploy(asyncio.run(run()), dry_run)


def deploy_here(
    services: Services, context: RunContext[FleetSettings], change: ServiceChange, *, dry_run: bool = False
) -> FleetDeploy:
    """Bring this machine, the coordinator, its services, which run the checkout that this program runs from."""
    shell = LocalShell()
    steps = bring_services(shell, LOCAL, services, change, new_release=False, dry_run=dry_run)
    return FleetDeploy((asyncio.run(_deploy(LOCAL, code_version(), steps, context, None)),), dry_run)


def checkout() -> Path:
    """Return the checkout that this program runs from."""
    return Path(ringrift.__file__).parent.parent


def pack(source: Path, extras: Sequence[str]) -> Package:
    """The code of a checkout, the settings in use, and what it needs with those extras of its `pyproject.toml`.

    `BadSettings` if they hold a password, which no host needs.
    """
    _check_for_password()
    try:
        project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))["project"]
        constraints = (source / "constraints.txt").read_bytes()
    except OSError as error:
        raise BadSettings(f"{source}: is no checkout of RingRift ({error.strerror}); deploy from one") from None
    requirements = "".join(f"{line}\n" for line in _requirements(project, extras)).encode()
    files = {name: file for part in PACKED for name, file in _files(source / part, part)}
    settings = dict(_files(config_folder(), SETTINGS))
    files |= {name: file for name, file in settings.items() if Path(name).name not in LEFT_HERE}
    code = _tar({name: (file.read_bytes(), bool(file.stat().st_mode & 0o100)) for name, file in files.items()})
    lists = _tar({"requirements.txt": (requirements, False), "constraints.txt": (constraints, False)})
    environment = hashlib.sha256(lists).hexdigest()[:DIGITS]
    release = hashlib.sha256(code + environment.encode()).hexdigest()[:DIGITS]
    return Package(release, environment, gzip.compress(code, 6, mtime=0), lists)


async def _deploy(
    name: str, release: str, todo: AsyncIterator[str], context: RunContext[FleetSettings], health: Health | None
) -> HostDeploy:
    """Take the steps of a machine, and tell each."""
    steps: list[str] = []
    try:
        async for step in todo:
            steps.append(step)
            context.progress(f"{name}: {step}", len(steps), None)
    except RingRiftError as error:
        reaction = await note_trouble(health, name, error)
        return HostDeploy(name, release, tuple(steps), str(error), reaction.value)
    await note_answer(health, name)
    return HostDeploy(name, release, tuple(steps))


async def _steps(
    shell: SshShell,
    package: Package,
    settings: DeploySettings,
    dry_run: bool,
    services: Services | None,
    change: ServiceChange,
) -> AsyncIterator[str]:
    """Do what is missing, naming each step before it is done."""
    python, seconds = shell.host.python, float(settings.minutes) * 60
    state = await _ask(shell, "state", package.release, package.environment, python)
    there = {name for name, _, answer in (line.partition(" ") for line in state.splitlines()) if answer == "yes"}
    todo: list[tuple[str, str, tuple[str, ...], bytes]] = []
    if "environment" not in there:
        todo.append(("install the packages", "environment", (package.environment, python), package.lists))
    if "release" not in there:
        todo.append(("bring the code", "unpack", (package.release, package.environment), package.code))
    if settings.compile and "compiled" not in there:
        todo.append(("compile the rules", "compile", (package.release,), b""))
    if "current" not in there:
        todo.append(("switch to it", "switch", (package.release, str(settings.keep)), b""))
    for step, verb, words, content in todo:
        yield step
        if not dry_run:
            await _ask(shell, verb, *words, content=content, seconds=seconds)
    if services is not None:
        new = "current" not in there
        async for step in bring_services(shell, shell.name, services, change, new_release=new, dry_run=dry_run):
            yield step


async def _ask(shell: SshShell, verb: str, *words: str, content: bytes = b"", seconds: float = 60.0) -> str:
    script = f"set -- {shlex.join([verb, shell.host.code, *words])}\n{SCRIPT}"
    answer = await shell.feed(script, content, seconds=seconds)
    if answer.code:
        cause = next((line.strip() for line in answer.err.splitlines() if line.startswith("ERROR")), "")
        raise JobTrouble(f"{shell.name}: {answer.complaint}" + (f" ({cause})" if cause else ""))
    return answer.out.decode(errors="replace")


def _check_for_password() -> None:
    path = config_folder() / "database.yaml"
    url = read_config("database.yaml", DatabaseSettings).url
    try:
        database = make_url(url) if "://" in url else None
    except (ArgumentError, ValueError):
        raise BadSettings(f"{path}: url: is no URL of a database") from None
    if database is not None and (database.password is not None or "password" in database.query):
        raise BadSettings(
            f"{path}: url: has a password, and every host gets this file; give the whole URL as RINGRIFT_DATABASE"
        )


def _requirements(project: Mapping[str, Any], extras: Sequence[str]) -> list[str]:
    """The packages of a project with some of its extras, which may name one another."""
    known = project.get("optional-dependencies", {})
    requirements = list(project.get("dependencies", []))
    for extra in extras:
        if extra not in known:
            raise BadSettings(f"hosts.yaml: extra {extra!r}: {unknown_name(extra, tuple(known))}")
        for line in known[extra]:
            own = _OWN_EXTRAS.fullmatch(line)
            requirements += _requirements({"optional-dependencies": known}, own[1].split(",")) if own else [line]
    return sorted(set(requirements))


def _files(place: Path, name: str) -> Iterator[tuple[str, Path]]:
    """The files of a place with the names that they have in a package; no caches."""
    if place.is_file():
        yield name, place
    for path in sorted(place.rglob("*")):
        parts = path.relative_to(place).parts
        if path.is_file() and "__pycache__" not in parts and not any(part.startswith(".") for part in parts):
            yield "/".join((name, *parts)), path


def _tar(files: Mapping[str, tuple[bytes, bool]]) -> bytes:
    """An archive that is the same whenever its files are: by name, their contents and whether they are programs."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, (content, program) in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755 if program else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return memory.getvalue()
