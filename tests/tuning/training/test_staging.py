"""A member on a real host: what it needs is brought there, in order, and what came of it is brought back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ringrift.fleet import JobTrouble
from ringrift.networks import NetworkConfig, add_model, build_network
from ringrift.tuning.training.experiment import Outcome
from ringrift.tuning.training.population import Assignment, MemberResult, Population
from ringrift.tuning.training.staging import STUDIES, checkpoint_path, fetch_member, push_member, source_files
from tests.fleet.servers import Server, server, settings_for_tests
from tests.fleet.test_staging import CONFIG, dataset, files, talk
from tests.tuning.training.planted_optimum import planted_space
from tests.tuning.training.population_worker import SETTINGS

pytestmark = pytest.mark.slow

NAME = "one"
TWO = SETTINGS.model_copy(update={"members": 2, "generations": 2})


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Server]:
    with server(tmp_path / "host", "gpu-1") as found:
        yield found


def population_in(home: Path) -> Population:
    """The population in a workspace."""
    population = Population(home / STUDIES / CONFIG / f"population-{NAME}", planted_space(), "loss", TWO)
    population.begin({"planted": True})
    return population


def trained(home: Path, task: Assignment) -> Outcome:
    """Train a member: a model and a checkpoint, with content of their own, in a workspace."""
    torch.manual_seed(task.seed)
    model = add_model(home / "models" / CONFIG, build_network(NetworkConfig.of("small", "hex8", 2, "v2"))).stem
    run = f"{task.generation}{task.member}".zfill(12)
    outcome = Outcome(1.0, "all steps done", run=run, model=model, checkpoint="epoch-000000004-0123456789abcdef.pt")
    result = MemberResult(task.generation, task.member, task.values, task.source, outcome)
    path = home / checkpoint_path(CONFIG, result)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"checkpoint of " + run.encode())
    return outcome


def first_generation(home: Path) -> None:
    """A workspace with a data set, of whose two members one has failed."""
    dataset(home, "training", a=b"first" * 1000)
    dataset(home, "holdout", c=b"third" * 1000)
    population = population_in(home)
    population.train_member(0, 0, lambda task: trained(home, task))
    population.train_member(0, 1, lambda _: Outcome(None, "diverged"))


def test_models_and_checkpoints_of_the_generation_before_go_first_and_results_last(tmp_path: Path) -> None:
    first_generation(tmp_path)
    kinds = [Path(path).name for path in source_files(tmp_path, CONFIG, NAME, 2, 1)]
    assert [Path(name).suffix for name in kinds] == [".pth", ".json", ".pt", ".json", ".json", ".json"]
    assert kinds[3:] == ["population.json", "member-000.json", "member-001.json"]
    assert source_files(tmp_path, CONFIG, NAME, 2, 0) == [f"{STUDIES}/{CONFIG}/population-{NAME}/population.json"]


def test_a_member_of_a_host_goes_on_from_a_checkpoint_of_here_and_comes_back(sshd: Server, tmp_path: Path) -> None:
    home = tmp_path / "here"
    first_generation(home)
    sent = talk(sshd, lambda shell: push_member(shell, home, CONFIG, NAME, 2, 1))
    assert sent.files == 4 + 6
    assert talk(sshd, lambda shell: push_member(shell, home, CONFIG, NAME, 2, 1)).files == 0
    there = population_in(sshd.home)
    result = there.train_member(1, 1, lambda task: trained(sshd.home, task))
    assert result.source == 0, "it had failed, so it goes on from the other one"
    settings = settings_for_tests().sync
    path = talk(sshd, lambda shell: fetch_member(shell, home, CONFIG, NAME, result, settings))
    assert path == Path("models") / CONFIG / f"{result.outcome.model}.pth"
    assert population_in(home).result(1, 1) == result
    come = files(home)
    assert come[checkpoint_path(CONFIG, result)] == b"checkpoint of 000000000011"
    lost = replace(result, outcome=replace(result.outcome, checkpoint="epoch-000000004-ffffffffffffffff.pt"))
    with pytest.raises(JobTrouble, match=r"epoch-000000004-ffffffffffffffff\.pt is not there"):
        talk(sshd, lambda shell: fetch_member(shell, home, CONFIG, NAME, lost, settings))
