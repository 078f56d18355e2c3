"""Hosts that are rented, set up, taken away and given back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.errors import RingRiftError
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import Host
from ringrift.fleet.placement import Condition, NoHost
from ringrift.fleet.provider import Order, ProviderTrouble, RentedMachine
from ringrift.fleet.rent_settings import RentSettings, rent_settings
from ringrift.fleet.rentals import Rental, Rentals, all_hosts
from ringrift.fleet.rented_work import RentedWork
from ringrift.fleet.renting import (
    Decision,
    Demand,
    Renting,
    RentReport,
    affordable,
    decide,
    demand_of,
    provider_of,
)
from ringrift.fleet.ssh import SshShell
from ringrift.game_database import GamesDatabase
from ringrift.run_context import RunContext
from ringrift.settings import BadSettings
from tests.fleet.rented import RentedServers, settings_of_rent
from tests.fleet.servers import connection_settings, settings_for_tests
from tests.fleet.test_health import SETTINGS, Clock
from tests.fleet.test_sync import play

HOUR = 3600


class Rented:
    """A fleet of rented hosts alone."""

    def __init__(self, folder: Path, database: GamesDatabase, provider: RentedServers) -> None:
        self.clock = Clock()
        self.provider = provider
        self.database = database
        self.settings = settings_of_rent(folder)
        self.games = folder / "games"
        self.told: list[str] = []
        self.rentals = Rentals(database, self.clock)
        work = RentedWork(RunContext(settings_for_tests()), ("square8_2p",), services=False, games=self.games)
        self.renting = Renting(provider, self.rentals, self.settings, self.set_up, work.bring_home, self.told.append)

    def set_up(self, hosts: Mapping[str, Host]) -> Mapping[str, str]:
        """Whether they can be logged in to, by the keys that the order has named."""
        troubles = {}
        for name, host in hosts.items():
            try:
                asyncio.run(self._log_in(name, host))
            except RingRiftError as error:
                troubles[name] = str(error)
        return troubles

    async def _log_in(self, name: str, host: Host) -> None:
        async with SshShell(name, host, connection_settings()) as shell:
            assert (await shell.run(b"true")).code == 0

    @property
    def health(self) -> Health:
        return Health(self.database, all_hosts(self.database), SETTINGS, self.clock)

    def round(self, hosts: int, busy: Mapping[str, int] | None = None, **options: Any) -> RentReport:
        demand = Demand(hosts, f"{hosts} are wanted by the test")
        return self.renting.round(demand, self.health.conditions(), busy or {}, **options)

    def names(self) -> list[str]:
        return list(all_hosts(self.database))


@pytest.fixture
def rented(tmp_path: Path) -> Iterator[Rented]:
    provider = RentedServers(tmp_path)
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        try:
            yield Rented(tmp_path, database, provider)
        finally:
            provider.close()


def test_hosts_are_ordered_then_set_up_then_hosts_of_the_fleet(rented: Rented) -> None:
    report = rented.round(2)
    assert [one.verb for one in report.decisions] == ["order", "order"]
    assert rented.names() == [], "they are not set up yet"
    assert report.dollars_per_hour == pytest.approx(0.8)
    assert [one.verb for one in rented.round(2).decisions] == ["take in", "take in"]
    assert len(rented.names()) == 2
    place = rented.health.choose("job", "selfplay")
    assert place.host in rented.names()
    assert {one.verb for one in rented.round(2).decisions} == {"keep"}
    assert rented.provider.started == 2


def test_a_dry_run_decides_and_does_nothing(rented: Rented) -> None:
    report = rented.round(2, dry_run=True)
    assert [one.verb for one in report.decisions] == ["order", "order"]
    assert (rented.provider.started, rented.rentals.open(), rented.told) == (0, [], [])


def test_a_machine_that_was_taken_away_leaves_the_fleet_and_another_one_comes(rented: Rented) -> None:
    for _ in range(2):
        rented.round(1)
    (lost,) = rented.names()
    rented.health.choose("job", "selfplay")
    rented.provider.vanish("i-0")
    rented.clock.now += 10 * 60
    report = rented.round(1)
    assert [one.verb for one in report.decisions] == ["write off", "order"]
    assert f"write off {lost} (i-0): the provider has taken it away" in rented.told
    assert rented.health.taken() == [], "its job has no place there any more"
    rented.round(1)
    (found,) = rented.names()
    assert found != lost


def test_what_nobody_has_rented_is_ended(rented: Rented, tmp_path: Path) -> None:
    rented.provider.start(order_for(rented, "left-by-a-crash"))
    report = rented.round(0)
    assert [str(one) for one in report.decisions] == [
        "end orphan i-0: it carries our tag, and no one here has rented left-by-a-crash"
    ]
    assert rented.provider.running == {}


def test_a_host_that_leaves_gets_no_job_ends_those_it_has_and_gives_its_games(rented: Rented) -> None:
    for _ in range(2):
        rented.round(1)
    (name,) = rented.names()
    rented.clock.now += HOUR
    rented.health.choose("last", "selfplay")
    host = rented.provider.running["i-0"].host
    play(host.games / "square8_2p" / name / "0", 0, 1, 2)
    assert [one.verb for one in rented.round(0, {name: 1}).decisions] == ["give back"]
    assert rented.names() == [name], "its job is not over"
    with pytest.raises(NoHost, match="it is given back: 0 are wanted"):
        rented.health.choose("another", "selfplay")
    assert [one.verb for one in rented.round(0).decisions] == ["give back"]
    assert rented.provider.running == {}
    assert rented.names() == []
    (brought,) = rented.games.rglob("*.jsonl")
    assert len(brought.read_bytes().splitlines()) == 3


def test_a_host_that_cannot_give_its_games_is_kept_for_a_while(rented: Rented) -> None:
    for _ in range(2):
        rented.round(1)
    rented.clock.now += HOUR
    rented.provider.running["i-0"].host.stop()
    rented.round(0)
    assert any("its last games are not here yet" in line for line in rented.told)
    assert len(rented.provider.running) == 1
    rented.clock.now += HOUR
    (decision,) = rented.round(0).decisions
    assert str(decision).startswith("end rented-")
    assert "it has been leaving for 30 minutes" in decision.why
    assert rented.provider.running == {}


def test_a_host_that_stays_silent_is_ended_and_replaced(rented: Rented) -> None:
    for _ in range(2):
        rented.round(1)
    (name,) = rented.names()
    for _ in range(3):
        rented.clock.now += HOUR / 4
        rented.health.failed(name, ProviderTrouble(f"{name}: no answer"))
    report = rented.round(1)
    assert [one.verb for one in report.decisions] == ["end", "order"]
    assert "has not answered for 20 minutes" in report.decisions[0].why


def test_a_machine_that_never_answers_is_ended(rented: Rented) -> None:
    rented.round(1)
    rented.provider.running["i-0"].host.stop()
    rented.round(1)
    assert any("is not ready yet" in line for line in rented.told)
    rented.clock.now += HOUR
    report = rented.round(1)
    assert [one.verb for one in report.decisions] == ["end", "order"]
    assert "refuses connections" in report.decisions[0].why


def test_a_provider_without_machines_is_no_failure_and_is_asked_again(rented: Rented) -> None:
    rented.provider.sold_out = True
    assert rented.round(1).troubles == ()
    assert any("is not to be had now" in line for line in rented.told)
    assert rented.rentals.open() == []
    rented.provider.sold_out = False
    rented.round(1)
    assert len(rented.provider.running) == 1


def order_for(rented: Rented, name: str) -> Order:
    import asyncssh

    key = asyncssh.generate_private_key("ssh-ed25519")
    public = Path(f"{rented.settings.key}.pub").read_text()
    return Order(name, public, key.export_private_key().decode(), key.export_public_key().decode())


# Decisions, without machines.


def rental(name: str, state: str = "ready", age: float = 10 * HOUR) -> Rental:
    moment = int(100 * HOUR - age)
    return Rental(name, f"i-{name}", state, moment, moment, 0.4, "key", None, "it is set up")


def decided(rented: list[Rental], hosts: int, settings: RentSettings, *, limited: bool = False) -> list[Decision]:
    machines = [RentedMachine(str(one.machine), one.name, "running", "10.0.0.1") for one in rented]
    conditions = {one.name: Condition() for one in rented}
    return decide(rented, machines, conditions, Demand(hosts, "wanted", limited), settings, 100 * HOUR)


@pytest.fixture
def settings(tmp_path: Path) -> RentSettings:
    return settings_of_rent(tmp_path)


def test_a_young_host_outlives_a_lull_but_not_the_budget(settings: RentSettings) -> None:
    rented = [rental("old"), rental("young", age=60)]
    assert {one.name: one.verb for one in decided(rented, 0, settings)} == {"old": "give back", "young": "keep"}
    verbs = {one.verb for one in decided(rented, 0, settings, limited=True)}
    assert verbs == {"give back"}


def test_a_machine_that_was_ordered_just_now_may_be_missing_in_the_list(settings: RentSettings) -> None:
    found = decide([rental("new", "ordered", age=5)], [], {}, Demand(1, ""), settings, 100 * HOUR)
    assert [one.verb for one in found] == ["keep"]


def test_a_stopped_machine_costs_and_is_ended(settings: RentSettings) -> None:
    machine = RentedMachine("i-a", "a", "stopped")
    found = decide([rental("a")], [machine], {"a": Condition()}, Demand(1, ""), settings, 100 * HOUR)
    assert [one.verb for one in found] == ["end", "order"]


@given(
    missing=st.integers(0, 10**6),
    price=st.floats(0.01, 50),
    budget=st.floats(0.01, 200),
    most=st.integers(0, 1000),
)
def test_no_demand_costs_more_than_the_budget(missing: int, price: float, budget: float, most: int) -> None:
    settings = rent_settings().model_copy(update={"budget_per_hour": budget, "most_hosts": most})
    wanted = demand_of(missing, settings.backlog)
    paid = affordable(wanted, price, settings)
    assert paid.hosts <= min(wanted.hosts, most)
    assert paid.hosts * price <= budget * (1 + 1e-6)
    assert paid.limited == (paid.hosts < wanted.hosts)


@given(
    states=st.lists(st.sampled_from(["ordered", "starting", "ready", "leaving"]), max_size=8), hosts=st.integers(0, 8)
)
def test_a_round_makes_as_many_hosts_as_are_wanted(states: list[str], hosts: int) -> None:
    settings = rent_settings()
    age = {"ordered": 60, "starting": 60, "ready": 10 * HOUR, "leaving": 60}
    rented = [rental(f"{number}", state, age[state]) for number, state in enumerate(states)]
    found = decided(rented, hosts, settings)
    assert sum(one.verb in ("order", "take in", "keep") for one in found) == hosts
    assert len({one.name for one in found}) == len(found)


# Settings.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("budget_per_hour: 0\n", r"budget_per_hour.*greater than 0, not 0 \(line 1\)"),
        ("provider: gcp\n", r"provider: input should be 'aws', not 'gcp' \(line 1\)"),
        ("host: {roles: [cook]}\n", r"host\.roles\.0: input should be 'selfplay'"),
        ("host: {address: x}\n", r"host: address: the provider says that"),
        ("provider: aws\n", r"aws\.image: name the image"),
        ("provider: aws\naws: {image: ami-1, spot: false}\n", r"aws\.price_per_hour"),
        ("fleet: ''\n", r"fleet"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    (tmp_path / "rent.yaml").write_text(text)
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path))
    with pytest.raises(BadSettings, match=said) as caught:
        rent_settings()
    assert "\n" not in str(caught.value)


def test_machines_that_run_without_a_provider_are_named() -> None:
    with pytest.raises(BadSettings, match="null rents nothing; name one, aws; a run still, and cost"):
        provider_of(rent_settings(), [rental("a")])
