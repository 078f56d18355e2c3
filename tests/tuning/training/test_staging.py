"""What a member needs on another host, and in which order."""

from __future__ import annotations

from pathlib import Path

from ringrift.tuning.training.experiment import Outcome
from ringrift.tuning.training.population import Population
from ringrift.tuning.training.staging import STUDIES, source_files
from tests.tuning.training.planted_optimum import planted_space
from tests.tuning.training.population_worker import SETTINGS

CONFIG = "square8_2p"


def test_models_and_checkpoints_of_the_generation_before_go_first_and_results_last(tmp_path: Path) -> None:
    folder = tmp_path / STUDIES / CONFIG / "population-one"
    population = Population(folder, planted_space(), "loss", SETTINGS)
    population.begin({"planted": True})
    trained = Outcome(1.0, "all steps done", run="abc", model="def", checkpoint="best-000000004-0.pt")
    outcomes = {0: trained, 1: Outcome(None, "diverged")}
    for member in outcomes:
        population.train_member(0, member, lambda task: outcomes[task.member])
    files = (
        "models/square8_2p/def.pth",
        "models/square8_2p/def.json",
        "data/runs/square8_2p/abc/checkpoints/best-000000004-0.pt",
    )
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    told = [
        f"data/tuning/square8_2p/population-one/{name}"
        for name in ("population.json", "generation-000/member-000.json", "generation-000/member-001.json")
    ]
    assert source_files(tmp_path, CONFIG, "one", 8, 1) == [*files, *told]
    assert source_files(tmp_path, CONFIG, "one", 8, 0) == told[:1], "the first generation has no source"
