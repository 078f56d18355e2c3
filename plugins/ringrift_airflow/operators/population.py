"""The members of a population, here or on the hosts for tuning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from ringrift.fleet.hosts import fleet_settings
from ringrift_airflow.data_interval import interval_name
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.operators.ringrift import RingriftOperator, read_report
from ringrift_airflow.operators.selfplay import check_parameters
from ringrift_airflow.workspace import home


class PopulationOperator(RingriftOperator):
    """Work on the population of a run, which has the run's name unless it is given one.

    :param config: whose data set it learns from.
    :param preset: of hyperparameters.yaml.
    :param fitness: loss or elo.
    :param population: its name.
    :param sizes: members and generations.
    """

    template_fields: Sequence[str] = ("words", "host", "environment", "config", "preset", "fitness", "population")

    def __init__(
        self, *, config: str, preset: str, fitness: str, population: str, sizes: tuple[int, int], **kwargs: Any
    ) -> None:
        super().__init__(words=["tune", "population"], **kwargs)
        self.config = config
        self.preset = preset
        self.fitness = fitness
        self.population = population
        self.sizes = sizes

    def work(self, context: Context) -> Any:
        """Work, unless the run was given a parameter that does not exist."""
        check_parameters(context)
        return super().work(context)

    def name(self, context: Context) -> str:
        """Return the name of the population."""
        return self.population or interval_name(context)

    def arguments(self, context: Context) -> list[str]:
        """Return the command."""
        members, generations = map(str, self.sizes)
        options = ["--preset", self.preset, "--fitness", self.fitness, "--name", self.name(context)]
        return [*self.words, self.config, *options, "--members", members, "--generations", generations]


class PopulationMemberOperator(PopulationOperator):
    """Train one member for one generation. A later try goes on from the last checkpoint, if the member is not done.

    A host for tuning gets data set, models and checkpoints before, and what it has trained is brought here after.

    :param generation: its number, from 0.
    :param member: its number, from 0.
    """

    def __init__(self, *, generation: int, member: int, **kwargs: Any) -> None:
        super().__init__(**({"role": "hp_tuning"} | kwargs))
        self.generation = generation
        self.member = member

    def prepare(self, context: Context) -> None:
        """Bring to another host what it needs."""
        if not self.site.remote:
            return
        from ringrift.tuning.training.staging import push_member  # late: it needs torch

        place = (self.config, self.name(context), self.sizes[0], self.generation)
        sent = FleetHook().carry(self.site.host, lambda shell: push_member(shell, home(), *place))
        self.log.info("%s: %d files were missing, %d bytes", self.site.host, *sent)

    def arguments(self, context: Context) -> list[str]:
        """Return the command."""
        return [
            *super().arguments(context),
            *("--generation", str(self.generation), "--member", str(self.member)),
        ]

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """Return the report, and bring what another host has trained here."""
        if self.site.remote:
            self._take_home(read_report(output, code, self.last_line), context)
        return super().result(output, code, context)

    def summary(self, report: Any, code: int) -> Any:
        """Return the fitness, the member it went on from, and its model."""
        outcome = report.get("outcome") or {}
        facts = {name: report.get(name) for name in ("generation", "member", "source")}
        return facts | {name: outcome.get(name) for name in ("fitness", "model", "ended")}

    def _take_home(self, report: dict[str, Any], context: Context) -> None:
        from ringrift.models import ModelStore  # late: they need torch
        from ringrift.tuning.training.population import MemberResult
        from ringrift.tuning.training.staging import fetch_member

        result, settings, fleet = MemberResult.from_json(report), fleet_settings().sync, FleetHook()
        name = self.name(context)
        path = fleet.carry(
            self.site.host, lambda shell: fetch_member(shell, home(), self.config, name, result, settings)
        )
        if path is not None:
            with fleet.health() as health:
                ModelStore(health.database, home() / "models").register(home() / path)
        self.log.info("%s: member %d is here", self.site.host, self.member)
