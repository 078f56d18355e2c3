"""Renting hosts: one round looks at what there is, what is wanted and what it costs, and decides about each machine.

A machine is written down before it is ordered, so that whatever carries the fleet's tag and is not written down is an
orphan, and ended. A machine that the provider does not list any more was taken away, as spot machines are: its jobs
begin again elsewhere, and what was brought of its games is here. Rounds may be cut at any place: the next one goes on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol
from uuid import uuid4

import asyncssh

from ringrift.errors import Busy
from ringrift.fleet.hosts import Host
from ringrift.fleet.placement import Condition
from ringrift.fleet.provider import NothingToRent, Order, Provider, ProviderTrouble, RentedMachine
from ringrift.fleet.rent_settings import BacklogSettings, RentSettings
from ringrift.fleet.rentals import Rental, Rentals
from ringrift.settings import BadSettings

UNLISTED_SECONDS: Final = 180
"""The age up to which a machine may be missing in the provider's list, which follows what happens by a while."""
PREFIX: Final = "rented-"


class BusyRenting(Busy):
    """Another process rents hosts."""


Verb = Literal["order", "take in", "keep", "give back", "end", "end orphan", "write off"]


@dataclass(frozen=True)
class Decision:
    """The decision about one machine, and its reason."""

    verb: Verb
    name: str
    """The name of the rental; of an orphan the provider's."""
    why: str
    machine: str | None = None

    def __str__(self) -> str:
        machine = f" ({self.machine})" if self.machine and self.machine != self.name else ""
        return f"{self.verb} {self.name}{machine}: {self.why}"


@dataclass(frozen=True)
class Demand:
    """The number of hosts that are wanted."""

    hosts: int
    why: str
    limited: bool = False
    """Whether more would be wanted than can be paid: then no host stays longer than that."""


@dataclass(frozen=True)
class RentReport:
    """The decisions of a round, and their results."""

    wanted: str
    price: float
    """$ of one machine an hour."""
    decisions: tuple[Decision, ...]
    troubles: tuple[str, ...]
    rented: tuple[Rental, ...]
    """The rentals after the round."""
    dry_run: bool
    dollars_per_hour: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dollars_per_hour", sum(one.price for one in self.rented))

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON for programs."""
        return asdict(self)


class SetUp(Protocol):
    """Brings program and services to new machines."""

    def __call__(self, hosts: Mapping[str, Host]) -> Mapping[str, str]:
        """Set hosts up, and return what is wrong by host; those that are ready are not in it."""
        ...


class BringHome(Protocol):
    """Ends what a host plays, and brings its last games."""

    def __call__(self, name: str, host: Host) -> str:
        """Return what stands in the way, in a line; empty if all is here."""
        ...


def demand_of(missing: int, settings: BacklogSettings) -> Demand:
    """Return how many hosts play the missing games within the hours of the settings."""
    per_host = float(settings.games_per_hour) * float(settings.hours)
    hosts = math.ceil(missing / per_host)
    why = f"{missing:,} games are missing, and a host plays {per_host:,.0f} in {float(settings.hours):g} h"
    return Demand(hosts, why)


def affordable(demand: Demand, price: float, settings: RentSettings) -> Demand:
    """Return the hosts that are wanted and can be paid."""
    budget = float(settings.budget_per_hour)
    most = min(settings.most_hosts, math.floor(budget / price + 1e-9) if price > 0 else settings.most_hosts)
    if demand.hosts <= most:
        return demand
    limit = f"at most {settings.most_hosts} are allowed"
    if most < settings.most_hosts:
        limit = f"{most} at ${price:.2f} an hour fit into the budget of ${budget:.2f}"
    return Demand(most, f"{demand.why}: {demand.hosts} are wanted, {limit}", limited=True)


def decide(
    rented: Sequence[Rental],
    listed: Sequence[RentedMachine],
    conditions: Mapping[str, Condition],
    demand: Demand,
    settings: RentSettings,
    now: float,
) -> list[Decision]:
    """Return what is to be done about every machine.

    :param rented: the rentals that have not ended.
    :param listed: the machines that the provider has.
    :param conditions: the health of those that are hosts.
    """
    known = {one.name for one in rented}
    orphans = [
        Decision("end orphan", one.identity, f"it carries our tag, and no one here has rented {one.name or 'it'}")
        for one in listed
        if one.name not in known
    ]
    machines = {one.name: one for one in listed}
    decided = [_about(one, machines.get(one.name), conditions.get(one.name), settings, now) for one in rented]
    return [*orphans, *_scaled(decided, {one.name: one for one in rented}, demand, settings, now)]


def _about(
    rental: Rental, machine: RentedMachine | None, condition: Condition | None, settings: RentSettings, now: float
) -> Decision:
    """Decide about a rental as if it were wanted."""
    age = now - rental.ordered
    if machine is None:
        if age < UNLISTED_SECONDS:
            return Decision("keep", rental.name, "it was ordered just now", rental.machine)
        gone = "the provider has taken it away" if rental.machine else "its order has come to nothing"
        return Decision("write off", rental.name, gone, rental.machine)
    end = _why_ended(rental, machine, condition, settings, now)
    if end:
        return Decision("end", rental.name, end, machine.identity)
    if rental.state in ("ordered", "starting"):
        return Decision("take in", rental.name, f"it is {machine.state}", machine.identity)
    if rental.state == "leaving":
        return Decision("give back", rental.name, rental.why, machine.identity)
    return Decision("keep", rental.name, "it is in service", machine.identity)


def _why_ended(
    rental: Rental, machine: RentedMachine, condition: Condition | None, settings: RentSettings, now: float
) -> str | None:
    """Say why a machine is of no use any more; None if it is of use."""
    since = now - rental.changed
    if machine.state == "stopped":
        return "it was stopped, and costs all the same"
    if rental.state in ("ordered", "starting") and since > 60 * float(settings.start_minutes):
        return f"it was not ready {settings.start_minutes:g} minutes after its order: {rental.why}"
    if rental.state == "leaving" and since > 60 * float(settings.leave_minutes):
        return f"it has been leaving for {settings.leave_minutes:g} minutes: {rental.why}"
    if rental.state == "ready" and condition is not None and condition.retired is not None:
        minutes = float(settings.silent_minutes)
        if now - (condition.answered or rental.changed) > 60 * minutes:
            return f"it has not answered for {minutes:g} minutes: {condition.why}"
    return None


def _scaled(
    decided: Sequence[Decision], rented: Mapping[str, Rental], demand: Demand, settings: RentSettings, now: float
) -> Iterator[Decision]:
    """Yield the decisions, of which some give back what is not wanted, and orders for what is missing."""
    staying = [one for one in decided if one.verb in ("take in", "keep") and rented[one.name].state != "leaving"]
    surplus = len(staying) - demand.hosts
    shortest = 60 * float(settings.shortest_minutes)
    # Those that are not set up go first, then the oldest: no machine is paid for twice because of a moment's lull.
    going: set[str] = set()
    for one in sorted(staying, key=lambda one: (rented[one.name].state == "ready", rented[one.name].ordered)):
        young = rented[one.name].state == "ready" and now - rented[one.name].ordered < shortest
        if len(going) < surplus and (demand.limited or not young):
            going.add(one.name)
    for one in decided:
        if one.name in going:
            yield Decision("give back", one.name, f"{demand.hosts} are wanted: {demand.why}", one.machine)
        else:
            yield one
    for _ in range(-surplus):
        yield Decision("order", f"{PREFIX}{uuid4().hex[:10]}", demand.why)


@dataclass
class Renting:
    """Rounds of renting with one provider."""

    provider: Provider
    rentals: Rentals
    settings: RentSettings
    set_up: SetUp
    bring_home: BringHome
    tell: Callable[[str], None]
    """Hears each decision as it is carried out."""

    def round(
        self,
        demand: Demand,
        conditions: Mapping[str, Condition],
        busy: Mapping[str, int],
        *,
        dry_run: bool = False,
    ) -> RentReport:
        """Decide, and unless it is a dry run, do it; what goes wrong with one machine is told, and harms no other.

        :param busy: the number of jobs that have a place on each host.
        """
        listed = self.provider.machines()
        price = self.provider.price()
        demand = affordable(demand, price, self.settings)
        rented = {one.name: one for one in self.rentals.open()}
        decisions = decide(list(rented.values()), listed, conditions, demand, self.settings, self.rentals.clock())
        troubles: list[str] = []
        if not dry_run:
            machines = {one.name: one for one in listed}
            for decision in decisions:
                if decision.verb not in ("keep", "take in"):
                    self.tell(str(decision))
                try:
                    self._carry_out(decision, rented.get(decision.name), price, busy)
                except NothingToRent as error:
                    self.tell(f"{decision.name}: is not to be had now: {error}")
                except ProviderTrouble as error:
                    troubles.append(f"{decision.name}: {error}")
            arrivals = [one for one in decisions if one.verb == "take in"]
            self._take_in([(rented[one.name], machines[one.name]) for one in arrivals])
        return RentReport(demand.why, price, tuple(decisions), tuple(troubles), tuple(self.rentals.open()), dry_run)

    def _carry_out(self, decision: Decision, rental: Rental | None, price: float, busy: Mapping[str, int]) -> None:
        """Do what was decided about a machine; `ProviderTrouble`."""
        match decision.verb:
            case "order":
                self._order(decision, price)
            case "end orphan":
                self.provider.end(decision.name)
            case "write off":
                self.rentals.change(decision.name, state="ended", why=decision.why)
            case "end":
                self._end(decision)
            case "give back" if rental is not None:
                self._give_back(decision, rental, busy.get(decision.name, 0))

    def _order(self, decision: Decision, price: float) -> None:
        host_key = asyncssh.generate_private_key("ssh-ed25519")
        public = host_key.export_public_key().decode().strip()
        now = int(self.rentals.clock())
        row = Rental(decision.name, None, "ordered", now, now, price, public, None, decision.why)
        self.rentals.add(row)
        private = host_key.export_private_key().decode()
        try:
            identity = self.provider.start(Order(decision.name, public_key(self.settings.key), private, public))
        except ProviderTrouble as error:
            self.rentals.change(decision.name, state="ended", why=str(error))
            raise
        self.rentals.change(decision.name, machine=identity)

    def _end(self, decision: Decision) -> None:
        self.provider.end(decision.machine or "")
        self.rentals.change(decision.name, state="ended", why=decision.why)

    def _give_back(self, decision: Decision, rental: Rental, jobs: int) -> None:
        """Let a host end its jobs and bring its games, in as many rounds as that takes; then end it."""
        if rental.state in ("ordered", "starting"):
            self._end(decision)
            return
        if rental.state == "ready":
            self.rentals.change(rental.name, state="leaving", why=decision.why)
        if jobs:
            self.tell(f"{rental.name}: {jobs} jobs are not over yet; it is given back then")
            return
        trouble = self.bring_home(rental.name, rental.host) if rental.host else ""
        if trouble:
            self.tell(f"{rental.name}: its last games are not here yet: {trouble}")
            return
        self._end(decision)
        self.tell(f"{rental.name}: its games are here, and it has ended")

    def _take_in(self, arrivals: Sequence[tuple[Rental, RentedMachine]]) -> None:
        """Set up machines that have an address; those that are ready are hosts of the fleet from then on."""
        arrived = {}
        for rental, machine in arrivals:
            if machine.state == "running" and machine.address:
                host = host_of(rental, machine, self.settings)
                fields = {"machine": machine.identity, "entry": host.model_dump_json(exclude_unset=True)}
                begins = {"state": "starting"} if rental.state == "ordered" else {}
                self.rentals.change(rental.name, **fields, **begins)
                arrived[rental.name] = host
        if not arrived:
            return
        troubles = self.set_up(arrived)
        for name in arrived:
            if name in troubles:
                self.rentals.change(name, why=troubles[name])
                self.tell(f"{name}: is not ready yet: {troubles[name]}")
            else:
                self.rentals.change(name, state="ready", why="it is set up")
                self.tell(f"{name}: is set up, and a host of the fleet")


def provider_of(settings: RentSettings, rented: Sequence[Rental]) -> Provider:
    """Return the provider that the settings name; `BadSettings` if they name none."""
    if settings.provider is None:
        left = f"; {', '.join(one.name for one in rented)} run still, and cost" if rented else ""
        raise BadSettings(f"rent.yaml: provider: null rents nothing; name one, aws{left}")
    from ringrift.fleet.ec2 import Ec2  # late: boto3 is there only for those who rent

    return Ec2(settings.aws, settings.fleet, float(settings.budget_per_hour))


def host_of(rental: Rental, machine: RentedMachine, settings: RentSettings) -> Host:
    """Return the entry of a machine that hosts.yaml would have."""
    facts = {"address": machine.address, "port": machine.port, "key": settings.key, "host_key": rental.host_key}
    return Host.model_validate(settings.host | facts)


def public_key(private: str) -> str:
    """Read the public key that lies beside a private one; `BadSettings`."""
    path = Path(f"{private}.pub").expanduser()
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise BadSettings(f"rent.yaml: key: {path}: cannot be read ({why}); `ssh-keygen -y` makes it") from None
