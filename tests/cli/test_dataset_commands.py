"""`ringrift dataset …` as people run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.processes import complaint, ringrift
from tests.datasets.games import fill, searched_records


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database."""
    folder = tmp_path_factory.mktemp("datasets")
    fill(folder / "games.db", searched_records(count=30, seed=9)).close()
    return folder


def test_export_inspect_validate_and_merge(place: Path, tmp_path: Path) -> None:
    done = ringrift("dataset", "export", "square8_2p", "--database", place / "games.db", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "samples/s" in done.stdout and "are completed" in done.stdout and "held" not in done.stderr
    dataset = tmp_path / "square8_2p"

    done = ringrift("dataset", "inspect", dataset, "-n", "2", "--first", "40")
    assert done.returncode == 0, done.stderr
    assert "square8_2p, encoded as v2, for training" in done.stdout
    assert "sample 40: action" in done.stdout and "sample 41: action" in done.stdout
    assert done.stdout.count("y\\x") == 2
    assert done.stdout.count("\npolicy: ") == done.stdout.count("\nopponent policy: ") == 2

    assert (
        "searched" in done.stdout and "of single games: lowest" in done.stdout and "quality of the game" in done.stdout
    )
    assert "there is no sample 99,999" in complaint("dataset", "inspect", dataset, "--first", "99999")

    done = ringrift("dataset", "merge", dataset, dataset, "--out", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    assert "games were in several" in done.stdout

    done = ringrift("dataset", "validate", tmp_path / "again")
    assert done.returncode == 0, done.stdout
    (tmp_path / "again.npz").write_bytes((tmp_path / "square8_2p.holdout.npz").read_bytes())
    done = ringrift("dataset", "validate", tmp_path / "again", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["sound"] is False
    assert set(report["quality"]) == {"score", "parts", "weights", "games"}


def test_options_overrule_the_settings(place: Path, tmp_path: Path) -> None:
    words = ("dataset", "export", "square8_2p", "--database", place / "games.db", "--out", tmp_path, "--json")
    options = (
        *("--newest", "5", "--sample-weights", "victory", "--encoder", "v1", "--engine", "puct", "--engine", "gumbel"),
        *("--min-quality", "0.1", "--unsearched", "--since", "2026-01-01"),
    )
    done = ringrift(*words, *options)
    assert done.returncode == 0, done.stderr
    training = json.loads(done.stdout)[0]
    assert training["games"] == 5
    manifest = json.loads(Path(training["dataset"]).read_text())
    assert manifest["encoder"] == "v1"
    used = manifest["provenance"]["settings"]
    assert (used["unsearched"], used["sample_weights"]["kind"], used["window"]["kind"]) == (True, "victory", "newest")
    assert used["games"]["min_quality"] == 0.1
    assert manifest["provenance"]["filters"]["engines"] == ["puct", "gumbel"]


def test_what_is_wrong_is_one_line(place: Path, tmp_path: Path) -> None:
    words = ("dataset", "export", "square8_2p", "--database", place / "games.db", "--out", tmp_path)
    assert "games have run none" in complaint(*words, "--run", "none")
    assert "unknown feature version 'v7'" in complaint(*words, "--encoder", "v7")
    assert "0 of 30 games are of hex8_2p" in complaint("dataset", "export", "hex8_2p", *words[3:])
    assert "hex9" in complaint("dataset", "export", "hex9", *words[3:])
    assert "there is no such data set" in complaint("dataset", "inspect", tmp_path / "x")
    assert "'.' names no data set, but a folder" in complaint("dataset", "inspect", "")
    assert not list(tmp_path.iterdir())
