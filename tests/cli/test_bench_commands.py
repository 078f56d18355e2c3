"""`ringrift bench …` measures and reports; how fast things are is not the tests' business."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

RINGRIFT = Path(sys.executable).parent / "ringrift"


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([RINGRIFT, "bench", *words], capture_output=True, text=True, timeout=300, check=False)


def test_the_rules_are_measured_and_written_as_json(tmp_path: Path) -> None:
    out = tmp_path / "folder" / "bench.json"
    done = bench("game", "hex8_2p", "--seconds", "0.05", "--repeats", "1", "--no-start", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "hex8_2p" in done.stdout
    (speed,) = json.loads(out.read_text())["rules"]
    assert speed["config"] == "hex8_2p"
    assert min(speed["actions_per_second"], speed["step_ns"], speed["copy_ns"], speed["scaling"]) > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, which would be measured for minutes")
def test_without_a_gpu_it_is_said_what_would_be_measured() -> None:
    done = bench("gpu", "hex8_2p", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["device"] is None
    assert report["plan"]["config"] == "hex8_2p"
    assert report["plan"]["architectures"] == ["small", "v2", "v3"]


def test_the_searches_are_measured(tmp_path: Path) -> None:
    done = bench("search", "hex8_2p", "--games", "32", "--repeats", "1", "--no-compare", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["comparison"] == []
    assert [search["search"] for search in report["searches"]] == ["GumbelSearch", "PuctSearch"]
    assert 0 < report["network"][0]["share"] < 1


def test_the_players_without_a_network_are_measured(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    sizes = ("--repeats", "1", "--games", "4", "--positions", "2", "--seconds", "0.01")
    done = bench("agents", "hex8_2p", "hex8_3p", *sizes, "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "hex8_3p" in done.stdout
    report = json.loads(out.read_text())
    assert [speed["config"] for speed in report["evaluations"]] == ["hex8_2p", "hex8_3p"]
    assert [search["search"] for search in report["searches"]] == ["minimax", "maxn"]
    assert all(search["depth"] >= 1 and search["nodes_per_second"] > 0 for search in report["searches"])
    assert all(0 <= play["stopped"] <= play["games"] == 4 for play in report["games"])


def test_the_encoding_is_measured() -> None:
    done = bench("encoding", "--json")
    assert done.returncode == 0, done.stderr
    assert all(figure["nanoseconds"] > 0 for figure in json.loads(done.stdout)["encoding"])


def test_the_games_database_is_measured() -> None:
    done = bench("games", "hex8_2p", "--games", "40", "--repeats", "1", "--memory", "0", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [speed["search"] for speed in report["ingest"]] == [False, True]
    for speed in report["ingest"]:
        assert min(speed["games_per_second"], speed["parsed_per_second"]) > 0
        assert 0 < speed["bytes_database"] < speed["bytes_jsonl"]


def test_the_loader_is_measured_beside_what_training_takes() -> None:
    done = bench("loader", "hex8_2p", "--samples", "40", "--batch", "8", "--repeats", "1", "--workers", "1", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    (speed,) = report["loader"]
    assert (speed["config"], speed["samples"], speed["workers"]) == ("hex8_2p", 40, 1)
    training = report["training"]
    for demand in training["demands"]:
        taken = training["peak_flops"] * training["share_of_peak"] / demand["flops_per_sample"]
        assert demand["samples_per_second"] == taken
        assert demand["ratio"] == speed["samples_per_second"] / taken
    assert [demand["architecture"] for demand in training["demands"]] == ["v2", "v3"]


def test_exports_of_data_sets_are_measured() -> None:
    done = bench("datasets", "square8_2p", "--games", "20", "--repeats", "1", "--json")
    assert done.returncode == 0, done.stderr
    (speed,) = json.loads(done.stdout)["export"]
    assert speed["samples"] > 0 and speed["samples_per_second"] > 0
    assert set(speed["parts"]) == {"reading", "replay", "encoding", "writing"}
    assert speed["disk_share"] > 0
    assert speed["unchanged_samples_per_second"] > 0


@pytest.mark.parametrize("what", ["loader", "datasets"])
def test_memory_is_measured_by_the_number_of_samples(what: str) -> None:
    done = bench(what, "square8_2p", "--memory", "1000", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["memory"]
    assert 300 < found["samples"] <= 1000
    assert 10 < found["megabytes"] < 10_000


def test_an_unknown_config_is_one_line() -> None:
    done = bench("game", "hex9_2p")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_training_is_measured() -> None:
    done = bench("training", "hex8_2p", "--networks", "small", "--batch", "16", "--repeats", "1", "--json")
    assert done.returncode == 0, done.stderr
    (speed,) = json.loads(done.stdout)["training"]
    assert speed["samples_per_second"] > 0
    assert 0 <= speed["outside"] < 1


def test_sync_is_measured_beside_plain_rsync() -> None:
    done = bench("sync", "--megabytes", "1", "--files", "2", "--repeats", "1", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [speed["kind"] for speed in report["sync"]] == ["closed", "growing"]
    assert all(speed["bytes"] >= 1_000_000 and speed["slowdown"] > 0 for speed in report["sync"])
    assert report["latency"]["one_game"] > 0


def test_bench_monitoring_measures_scrapes_of_rows_that_nobody_has_played() -> None:
    done = bench("monitoring", "--games", "500", "--hosts", "3", "--models", "4", "--repeats", "2", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["games"], report["hosts"], report["configs"], report["models"]) == (500, 3, 12, 48)
    assert 0 < report["median"] <= report["slowest"]


@pytest.mark.slow
def test_the_web_application_is_measured() -> None:
    done = bench("web", "square8_2p", "--mode", "policy", "--clients", "8", "--rounds", "2", "--games", "40", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["moves"]["moves"], report["moves"]["lost"]) == (16, 0)
    assert 0 < report["moves"]["p50"] <= report["moves"]["p99"]
    assert all(page["milliseconds"] > 0 for page in report["pages"])
