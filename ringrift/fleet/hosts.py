"""The hosts: static facts of each, and how all of them are treated (`hosts.yaml`, `fleet.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, Self, cast, get_args

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ringrift.settings import DEFAULTS, BadSettings, Settings, config_folder, read_config, unknown_name

Role = Literal["selfplay", "training", "hp_tuning", "tournament"]

Number = PositiveFloat | PositiveInt
_Word = Annotated[str, Field(pattern=r"^[^\s-]\S*$")]
_Path = Annotated[str, Field(pattern=r"^(~|~?/[^\r\n]*)$", description="from / or ~/ on")]
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LOCAL: Final = "local"
"""The name of this machine, which needs no entry."""


class Host(Settings):
    """What is known of a host before it is asked."""

    connection: _Word | None = None
    """The Airflow connection that address, port, user, key and host key come from, in place of the five that follow."""
    address: _Word | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    user: _Word | None = None
    key: str | None = None
    """Path of the private key here; None for the keys of the SSH agent."""
    host_key: Annotated[str, Field(pattern=r"^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?$")] | None = None
    """The host's public key, `ssh-ed25519 AAAA…`; None if known_hosts has it."""
    roles: Annotated[list[Role], Field(min_length=1)]
    slots: PositiveInt = 1
    """Jobs at once."""
    gpus: NonNegativeInt = 0
    gpu: str | None = None
    """Their type, such as H100."""
    memory_gb: Number | None = None
    configs: Annotated[list[_Word], Field(min_length=1)] | None = None
    """Those that it can bear; None for all of the loop."""
    code: _Path = "~/ringrift"
    """Program and environment."""
    home: _Path = "~/ringrift"
    """The folder that holds `data/` and `models/`."""
    python: _Word = "python3"
    extras: list[_Word] = Field(default_factory=lambda: ["learn"])

    @property
    def way(self) -> str:
        """How it is reached, for people."""
        return f"connection {self.connection}" if self.connection else f"{self.user}@{self.address}:{self.port}"

    @property
    def program(self) -> str:
        """The command `ringrift` that was deployed there."""
        return f"{self.code}/current/bin/ringrift"

    @property
    def jobs(self) -> str:
        """The folder of all jobs."""
        return f"{self.home}/data/jobs"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.gpu is not None and not self.gpus:
            raise ValueError(f"gpu is {self.gpu!r}, but gpus, their number, is 0")
        given = self.model_fields_set & {"address", "port", "user", "key", "host_key"}
        if self.connection is not None:
            if given:
                raise ValueError(f"connection {self.connection} says what {', '.join(sorted(given))} would say, too")
            return self
        if self.address is None or self.user is None:
            missing = "address" if self.address is None else "user"
            raise ValueError(f"{missing} is missing, or a connection of Airflow in place of address and user")
        try:
            self.address.encode("idna")
        except UnicodeError:
            raise ValueError(f"address {self.address!r} cannot be the name of a machine") from None
        return self


class HostList(Settings):
    """All of `hosts.yaml`."""

    hosts: dict[str, Host]

    @model_validator(mode="after")
    def _check(self) -> Self:
        places: dict[tuple[object, ...], str] = {}
        for name, host in self.hosts.items():
            if _NAME.fullmatch(name) is None or name == LOCAL:
                raise ValueError(f"host {name!r}: a name consists of letters, digits, dots, dashes and underscores")
            place = (host.connection, host.address, host.port, host.user, host.home)
            if place in places:
                raise ValueError(f"hosts {places[place]} and {name} are the same folder of the same machine")
            places[place] = name
        return self


class ConnectionSettings(Settings):
    """How hosts are reached."""

    known_hosts: str
    seconds: Number
    keepalive_seconds: Number
    keepalive_missed: PositiveInt


class JobSettings(Settings):
    """How jobs on hosts are watched."""

    patience_minutes: Number


class PruneSettings(Settings):
    """When games that are here are removed from their hosts."""

    always: bool
    keep_gb: NonNegativeFloat
    days: NonNegativeFloat


class SyncSettings(Settings):
    """How games are brought here."""

    min_games: PositiveInt
    stream_seconds: Number
    hosts_at_once: PositiveInt
    megabytes_per_second: Number | None
    stall_seconds: PositiveInt
    prune: PruneSettings


class HealthSettings(Settings):
    """When a host is retired, and tried again."""

    failures: PositiveInt
    together_seconds: NonNegativeFloat
    forget_minutes: Number
    first_pause_seconds: Number
    longest_pause_minutes: Number
    unstarted_minutes: Number
    unfit_minutes: Number


class CheckSettings(Settings):
    """What a host should have."""

    free_disk_gb: Number
    clock_seconds: Number


class DeploySettings(Settings):
    """How a host is set up."""

    keep: PositiveInt
    compile: bool
    minutes: Number
    watch_seconds: NonNegativeInt


class FleetSettings(Settings):
    """All of `fleet.yaml`."""

    connection: ConnectionSettings
    jobs: JobSettings
    sync: SyncSettings
    health: HealthSettings
    check: CheckSettings
    deploy: DeploySettings


def hosts() -> dict[str, Host]:
    """All hosts by name; `BadSettings` says what is wrong in the file."""
    return read_config("hosts.yaml", HostList).hosts


def fleet_settings() -> FleetSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("fleet.yaml", FleetSettings)


def known_role(name: str) -> Role:
    """Return a role by its name; `BadSettings` if there is none of that name."""
    if name not in get_args(Role):
        raise BadSettings(f"role {name!r}: {unknown_name(name, get_args(Role))}")
    return cast("Role", name)


def chosen_hosts(known: Mapping[str, Host], names: Sequence[str], role: Role | None = None) -> dict[str, Host]:
    """The hosts that are named, or all with a role; `BadSettings` if there is none."""
    if not known:
        raise BadSettings(
            f"{config_folder() / 'hosts.yaml'}: there are no hosts in it; {DEFAULTS / 'hosts.yaml'} shows one"
        )
    for name in names:
        if name not in known:
            raise BadSettings(f"host {name!r}: {unknown_name(name, tuple(known))}")
    found = {
        name: host for name, host in known.items() if (name in names if names else role is None or role in host.roles)
    }
    if not found:
        raise BadSettings(f"{config_folder() / 'hosts.yaml'}: no host has the role {role}")
    return found
