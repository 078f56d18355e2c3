"""`ringrift hosts …`: the machines of the fleet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ringrift.cli.context import run_context
from ringrift.cli.options import LONGEST_SECONDS, MANY_TIMES, MODELS, DatabaseOption, JsonOption, ModelsOption
from ringrift.cli.reports import show_report
from ringrift.console import console, echo, echo_bytes

if TYPE_CHECKING:
    from ringrift.fleet.health import Health
    from ringrift.fleet.hosts import FleetSettings, Host, Role

app = typer.Typer(no_args_is_help=True, help=__doc__)

HostsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[HOST]…", help="Names in hosts.yaml; by default all.")
]


@contextmanager
def open_fleet(
    names: list[str] | None, database: str | None, role: Role | None = None
) -> Iterator[tuple[dict[str, Host], FleetSettings, Health]]:
    """The hosts that are named, or all with a role; the settings, and the health that the database keeps."""
    from ringrift.fleet.fleet import known_hosts
    from ringrift.fleet.hosts import chosen_hosts, fleet_settings

    settings = fleet_settings()
    known = known_hosts(database)
    chosen = chosen_hosts(known, names or [], role)
    need_asyncssh()
    from ringrift.fleet.health import Health
    from ringrift.game_database import GamesDatabase

    with GamesDatabase(database, create=True) as opened:
        yield chosen, settings, Health(opened, known, settings.health)


def need_asyncssh() -> None:
    """Refuse to go on without asyncssh, in a line that says how it is had."""
    from importlib.util import find_spec

    from ringrift.errors import RingRiftError

    if find_spec("asyncssh") is None:
        raise RingRiftError("asyncssh is not installed: pip install 'ringrift[fleet]'")


@app.command("list")
def list_hosts(names: HostsArgument = None, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List the hosts, their roles and their last known state; none is contacted.

    Example: ringrift hosts list
    """
    from rich.markup import escape
    from rich.table import Table

    with open_fleet(names, database) as (hosts, _, health):
        conditions, places, resting = health.conditions(), health.taken(), health.resting()
    if as_json:
        rows = {
            name: host.model_dump() | vars(conditions[name]) | {"jobs": [job.job for job in places if job.host == name]}
            for name, host in hosts.items()
        }
        echo(json.dumps(rows))
        return
    table = Table("host", "address", "roles", "GPUs", "slots taken", "condition")
    for name, host in hosts.items():
        state = conditions[name]
        taken = sum(place.host == name for place in places)
        failing = f"{state.failures} failures in a row: {state.why}" if state.failures else "in service"
        condition = failing if state.retired is None else resting.get(name, f"retired, to be tried now: {state.why}")
        gpus = f"{host.gpus} × {host.gpu or 'any'}" if host.gpus else ""
        address = host.way
        style = None if state.retired is None else "red"
        roles = ", ".join(host.roles)
        table.add_row(name, address, roles, gpus, f"{taken} of {host.slots}", escape(condition), style=style)
    console().print(table)


@app.command()
def check(names: HostsArgument = None, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Ask hosts what they have: disk, memory, GPU, driver, clock, ringrift, jobs; exit code 1 if something is wrong.

    A retired host that answers is back in service.

    Example: ringrift hosts check

    Example: ringrift hosts check gpu-1 --json
    """
    with open_fleet(names, database) as (hosts, settings, health):
        from ringrift.fleet.check import check_hosts

        report = check_hosts(hosts, settings, health=health)
    show_report(report, as_json)
    raise typer.Exit(0 if report.sound else 1)


@app.command()
def pace(names: HostsArgument = None, as_json: JsonOption = False) -> None:
    """Show how busy the hosts are that `ringrift fill` plays on, what its control has decided, and why.

    Exit code 1 if a host does not say.

    Example: ringrift hosts pace

    Example: ringrift hosts pace gpu-1 --json
    """
    from ringrift.fleet.fleet import known_hosts
    from ringrift.fleet.hosts import chosen_hosts, fleet_settings

    chosen = chosen_hosts(known_hosts(None), names or [], None if names else "selfplay")
    settings = fleet_settings()
    need_asyncssh()
    from ringrift.fleet.pace import ask_pace

    report = ask_pace(chosen, settings.connection)
    show_report(report, as_json)
    raise typer.Exit(0 if report.complete else 1)


@app.command("exec", context_settings={"ignore_unknown_options": True})
def execute(
    host: Annotated[str, typer.Argument(metavar="HOST", help="A name in hosts.yaml.")],
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="COMMAND…",
            help="A program and its arguments, as they are; after -- if one is an option of this command.",
        ),
    ],
    seconds: Annotated[float, typer.Option(min=1, max=LONGEST_SECONDS, help="How long to wait for its end.")] = 60.0,
    shell: Annotated[bool, typer.Option("--shell", help="The words are text for the shell there.")] = False,
) -> None:
    """Run a program on a host, and end with its exit code. Its arguments reach it as they are, whatever is in them.

    Example: ringrift hosts exec gpu-1 nvidia-smi -L

    Example: ringrift hosts exec gpu-1 --shell 'df -h ~ | tail -1'
    """
    import asyncio
    import shlex

    from ringrift.fleet.fleet import known_hosts
    from ringrift.fleet.hosts import chosen_hosts, fleet_settings

    chosen = chosen_hosts(known_hosts(None), [host])
    settings = fleet_settings()
    need_asyncssh()
    from ringrift.fleet.ssh import open_shells

    async def run() -> int:
        async with open_shells(chosen, settings.connection) as shells:
            script = " ".join(command) if shell else f"exec {shlex.join(command)}"
            answer = await shells[host].feed(script, b"", seconds=seconds)
        echo_bytes(answer.out)
        if answer.err:
            echo(answer.err, err=True)
        return answer.code

    raise typer.Exit(asyncio.run(run()))


@app.command()
def deploy(
    names: HostsArgument = None,
    role: Annotated[
        str | None, typer.Option(help="Only hosts with this role: selfplay, training, hp_tuning or tournament.")
    ] = None,
    selfplay: Annotated[bool, typer.Option("--selfplay", help="Only hosts with the role selfplay.")] = False,
    primary: Annotated[
        bool, typer.Option("--primary", help="Only this machine, the coordinator: its services; implies --services.")
    ] = False,
    services: Annotated[
        bool, typer.Option("--services", help="Also install and start the services, as units of systemd.")
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Restart all services, whatever they run.")] = False,
    hot_reload: Annotated[
        bool, typer.Option("--hot-reload/--no-hot-reload", help="Restart services that run an older release.")
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be done.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring this code, its settings and the packages it needs to hosts; what is there already is left alone.

    A host needs Python 3.11 or newer with its venv module, and sshd; rsync
    makes sync faster. Jobs that run there go on with the release they began
    with. With --services, hosts of self-play also play by themselves, as long
    as they are on, whether the coordinator answers or not. Exit code 1 if a
    host could not be set up.

    Example: ringrift hosts deploy --dry-run

    Example: ringrift hosts deploy gpu-1 gpu-2

    Example: ringrift hosts deploy --selfplay --services

    Example: ringrift hosts deploy --primary --dry-run
    """
    from ringrift.errors import RingRiftError
    from ringrift.fleet.fleet import known_hosts
    from ringrift.fleet.hosts import fleet_settings

    need_asyncssh()
    from ringrift.fleet.deploy import checkout, deploy_here
    from ringrift.fleet.deploy import deploy as run
    from ringrift.fleet.rent_settings import rent_settings
    from ringrift.fleet.services import ServiceChange, coordinator_services, host_services
    from ringrift.pipeline.settings import loop_settings
    from ringrift.settings import home_folder

    chosen_role = _chosen_role(names, role, selfplay, primary)
    if (restart or not hot_reload) and not (services or primary):
        raise RingRiftError("--restart and --no-hot-reload are about services: say --services, too")
    fleet = fleet_settings()
    change = ServiceChange(restart, hot_reload, fleet.deploy.watch_seconds)
    if primary:
        players = any("selfplay" in host.roles for host in known_hosts(database).values())
        sync = players or rent_settings().provider is not None
        wanted = coordinator_services(checkout(), home_folder().absolute(), sync=sync)
        with run_context(fleet) as context:
            report = deploy_here(wanted, context, change, dry_run=dry_run)
    else:
        with open_fleet(names, database, chosen_role) as (chosen, settings, health):
            hosts = {name: host for name, host in chosen.items() if names or host.works}
            loop = loop_settings().preset_named(None)
            of_hosts = host_services(checkout(), hosts, loop.configs, from_zero=loop.from_zero) if services else {}
            with run_context(settings) as context:
                report = run(hosts, context, dry_run=dry_run, health=health, services=of_hosts, change=change)
    show_report(report, as_json)
    raise typer.Exit(0 if report.complete else 1)


@app.command()
def rent(
    hosts: Annotated[
        int | None,
        typer.Option(min=0, max=MANY_TIMES, help="The number wanted, whatever games are missing; the budget holds."),
    ] = None,
    end: Annotated[bool, typer.Option("--end", help="Give all back, however young.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be done.")] = False,
    database: DatabaseOption = None,
    models: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Rent hosts while games are missing, within the budget, and give them back: one round.

    New machines are set up and are hosts of the fleet from then on; those that
    the provider has taken away leave it; those that leave end their jobs and
    give their games first. Machines with the fleet's tag that no rental has
    rented here are ended. Settings: rent.yaml. Run it every few minutes, or
    let Airflow do it. Exit code 1 if the provider was in trouble.

    Example: ringrift hosts rent --dry-run

    Example: ringrift hosts rent --hosts 3

    Example: ringrift hosts rent --end
    """
    need_asyncssh()
    from collections import Counter
    from functools import partial

    from ringrift.errors import RingRiftError
    from ringrift.files import alone
    from ringrift.fleet.health import Health
    from ringrift.fleet.hosts import fleet_settings
    from ringrift.fleet.rent_settings import rent_settings
    from ringrift.fleet.rentals import Rentals, all_hosts
    from ringrift.fleet.rented_work import RentedWork
    from ringrift.fleet.renting import BusyRenting, Demand, Renting, demand_of, provider_of
    from ringrift.game_database import GamesDatabase
    from ringrift.models import ModelStore
    from ringrift.pipeline.readiness import missing_games
    from ringrift.pipeline.settings import loop_settings
    from ringrift.settings import home_folder

    if end and hosts is not None:
        raise RingRiftError("--hosts and --end each say how many hosts are wanted: say one")
    settings, preset = rent_settings(), loop_settings().preset_named(None)
    lock = home_folder() / "data" / ".rent.lock"
    busy = BusyRenting(f"{lock}: another process rents hosts just now; try again when its round is over")
    with GamesDatabase(database, create=True) as opened, alone(lock, lock, busy):
        rentals = Rentals(opened)
        provider = provider_of(settings, rentals.open())
        health = Health(opened, all_hosts(opened), fleet_settings().health)
        if end:
            demand = Demand(0, "all are to be given back", limited=True)
        elif hosts is not None:
            demand = Demand(hosts, f"{hosts} are asked for by hand")
        else:
            store = ModelStore(opened, models)
            stage = preset.training
            missing = missing_games(store, preset.configs, games=stage.new_games, minutes=stage.minutes)
            demand = demand_of(missing, settings.backlog)
        with run_context(fleet_settings()) as context:
            work = RentedWork(context, preset.configs, settings.services, preset.from_zero)
            renting = Renting(provider, rentals, settings, work.set_up, work.bring_home, partial(echo, err=True))
            jobs = Counter(place.host for place in health.taken())
            report = renting.round(demand, health.conditions(), jobs, dry_run=dry_run)
    show_report(report, as_json)
    raise typer.Exit(1 if report.troubles else 0)


def _chosen_role(names: list[str] | None, role: str | None, selfplay: bool, primary: bool) -> Role | None:
    """Return the role of the chosen hosts; an error where two options choose them."""
    from ringrift.errors import RingRiftError
    from ringrift.fleet.hosts import known_role

    options = {"hosts": names, "--role": role, "--selfplay": selfplay, "--primary": primary}
    chosen = [word for word, value in options.items() if value]
    if len(chosen) > 1:
        raise RingRiftError(f"{' and '.join(chosen)} each choose machines: give one of them")
    return "selfplay" if selfplay else None if role is None else known_role(role)
