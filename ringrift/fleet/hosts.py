"""The hosts: static facts of each, and how all of them are treated (`hosts.yaml`, `fleet.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self, cast, get_args

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ringrift.game.boards import BOARDS
from ringrift.game.boards import configs as all_configs
from ringrift.settings import DEFAULTS, BadSettings, Settings, config_folder, read_config, unknown_name

Role = Literal["selfplay", "training", "hp_tuning", "tournament", "archive"]

Number = PositiveFloat | PositiveInt
_Word = Annotated[str, Field(pattern=r"^[^\s-]\S*$")]
_Path = Annotated[str, Field(pattern=r"^(~|~?/[^\r\n]*)$", description="from / or ~/ on")]
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
ABLE: Final = (*BOARDS, *(f"{board}_{players}p" for board, players in all_configs()))
"""The names that `configs` of a host takes: boards, and configs."""
LOCAL: Final = "local"
"""The name of this machine, which needs no entry."""


class Reach(Settings):
    """The address of a machine, and the keys with which it is reached."""

    address: _Word | None = None
    overlay: _Word | None = None
    """Its name in an overlay network, such as Tailscale, for when it cannot be reached at its address."""
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    user: _Word | None = None
    key: str | None = None
    """Path of the private key here; None for the keys of the SSH agent."""
    host_key: Annotated[str, Field(pattern=r"^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?$")] | None = None
    """Its public key, `ssh-ed25519 AAAA…`; None if known_hosts has it."""

    def check_address(self) -> None:
        """Raise `ValueError` if no connection to it is possible."""
        if self.address is None or self.user is None:
            raise ValueError(f"{'address' if self.address is None else 'user'} is missing")
        for name in ("address", "overlay"):
            value = getattr(self, name)
            try:
                (value or "").encode("idna")
            except UnicodeError:
                raise ValueError(f"{name} {value!r} cannot be the name of a machine") from None


class JumpHost(Reach):
    """A machine that lets others through to hosts behind it."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.check_address()
        return self


class Host(Reach):
    """The facts about a host that are known before it is asked."""

    connection: _Word | None = None
    """The Airflow connection that says how it is reached, in place of the fields of `Reach` and of jumps."""
    jumps: list[JumpHost] = Field(default_factory=list)
    """The machines by way of which it is reached, the one that is nearest to here first."""
    roles: Annotated[list[Role], Field(min_length=1)]
    priority: Literal["normal", "backup"] = "normal"
    """A backup gets what no other host can take now."""
    slots: PositiveInt = 1
    """Jobs at once; by default one, or one for each GPU."""
    gpus: NonNegativeInt = 0
    gpu: str | None = None
    """Their type, such as H100."""
    memory_gb: Number | None = None
    configs: Annotated[list[_Word], Field(min_length=1)] | None = None
    """The configs that it can bear, or boards of which it can bear all; None for all of the loop."""
    code: _Path = "~/ringrift"
    """Program and environment."""
    home: _Path = "~/ringrift"
    """The folder that holds `data/` and `models/`."""
    python: _Word = "python3"
    extras: list[_Word] = Field(default_factory=lambda: ["learn"])

    @property
    def works(self) -> bool:
        """Whether it does work, and does not only keep what others have done."""
        return "archive" not in self.roles

    def bears(self, config: str) -> bool:
        """Return whether it can bear a config."""
        return self.configs is None or bool({config, config.rpartition("_")[0]} & set(self.configs))

    @property
    def way(self) -> str:
        """The address by which it is reached, for people."""
        by = "".join(f" by way of {jump.address}" for jump in self.jumps)
        return f"connection {self.connection}" if self.connection else f"{self.user}@{self.address}:{self.port}{by}"

    @property
    def program(self) -> str:
        """The command `ringrift` that was deployed there."""
        return f"{self.code}/current/bin/ringrift"

    @property
    def jobs(self) -> str:
        """The folder of all jobs."""
        return f"{self.home}/data/jobs"

    @model_validator(mode="before")
    @classmethod
    def _slots(cls, facts: Any) -> Any:
        gpus = facts.get("gpus") if isinstance(facts, dict) else None
        return {"slots": gpus} | facts if isinstance(gpus, int) and gpus > 0 else facts

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in self.configs or ():
            if name not in ABLE:
                raise ValueError(f"configs: {name!r}: {unknown_name(name, ABLE)}")
        if not self.works and self.roles != ["archive"]:
            raise ValueError("the role archive goes with no other one: the games that it keeps are not its own")
        if self.gpu is not None and not self.gpus:
            raise ValueError(f"gpu is {self.gpu!r}, but gpus, their number, is 0")
        given = self.model_fields_set & {*Reach.model_fields, "jumps"}
        if self.connection is not None:
            if given:
                raise ValueError(f"connection {self.connection} says what {', '.join(sorted(given))} would say, too")
            return self
        if self.address is None or self.user is None:
            missing = "address" if self.address is None else "user"
            raise ValueError(f"{missing} is missing, or a connection of Airflow in place of address and user")
        self.check_address()
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
    """The settings of connections to hosts."""

    known_hosts: str
    seconds: Number
    keepalive_seconds: Number
    keepalive_missed: PositiveInt


class JobSettings(Settings):
    """The settings by which jobs on hosts are watched."""

    patience_minutes: Number


class PruneSettings(Settings):
    """The settings by which games that are here are removed from their hosts."""

    always: bool
    keep_gb: NonNegativeFloat
    days: NonNegativeFloat


class SyncSettings(Settings):
    """The settings by which games are brought here."""

    min_games: PositiveInt
    stream_seconds: Number
    hosts_at_once: PositiveInt
    megabytes_per_second: Number | None
    stall_seconds: PositiveInt
    prune: PruneSettings


class HealthSettings(Settings):
    """The settings by which a host is retired, and tried again."""

    failures: PositiveInt
    together_seconds: NonNegativeFloat
    forget_minutes: Number
    first_pause_seconds: Number
    longest_pause_minutes: Number
    unstarted_minutes: Number
    unfit_minutes: Number


class CheckSettings(Settings):
    """The least that a host should have."""

    free_disk_gb: Number
    clock_seconds: Number


class DeploySettings(Settings):
    """The settings by which a host is set up."""

    keep: PositiveInt
    compile: bool
    minutes: Number
    watch_seconds: NonNegativeInt


class FleetSettings(Settings):
    """All of `fleet.yaml`."""

    connection: ConnectionSettings
    here: list[Role]
    """The roles of this machine, where no host has them."""
    memory_gb: dict[Role, NonNegativeFloat]
    """The memory that a job of a role needs."""
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


def players_and_archives(
    known: Mapping[str, Host], names: Sequence[str] = ()
) -> tuple[dict[str, Host], dict[str, Host]]:
    """Return the hosts of self-play, and the archives, of those that are named or of all; `BadSettings` without any.

    A host that is named counts as one of self-play, whatever its role.
    """
    chosen = chosen_hosts(known, names)
    players = {name: host for name, host in chosen.items() if host.works and (names or "selfplay" in host.roles)}
    archives = {name: host for name, host in chosen.items() if not host.works}
    return (players, archives) if players or archives else (chosen_hosts(known, (), "selfplay"), {})


def chosen_hosts(known: Mapping[str, Host], names: Sequence[str], role: Role | None = None) -> dict[str, Host]:
    """The hosts that are named, or all with a role; `BadSettings` if there is none."""
    if not known:
        raise BadSettings(
            f"{config_folder() / 'hosts.yaml'}: there are no hosts in it; {DEFAULTS / 'hosts.yaml'} shows one"
        )
    for name in names:
        if name not in known:
            raise BadSettings(f"host {name!r}: {unknown_name(name, tuple(known))}")
    chosen = {
        name: host for name, host in known.items() if (name in names if names else role is None or role in host.roles)
    }
    if not chosen:
        raise BadSettings(f"{config_folder() / 'hosts.yaml'}: no host has the role {role}")
    return chosen
