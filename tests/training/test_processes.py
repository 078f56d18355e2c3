"""Trainings as processes: killed, told to stop, short of memory, and several that train one network together."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from ringrift.training.history import read_history
from tests.cli.processes import RINGRIFT
from tests.training import shared_steps
from tests.training.planted import CONFIG, write_both

pytestmark = pytest.mark.slow

SETTINGS = {
    "network": "small",
    "batch": 64,
    "learning_rate": 0.01,
    "epochs": 3,
    "replay_ratio": 100,
    "log_steps": 1,
    "checkpoint_steps": 3,
    "precision": "float32",
}
STEPS = 24
"""3 epochs of 512 samples."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_both(tmp_path / "training")
    return tmp_path / "training"


def command(data: Path, runs: Path, **changes: Any) -> list[str | Path]:
    options: list[str | Path] = [f"--set={name}={value}" for name, value in (SETTINGS | changes).items()]
    folders: list[str | Path] = ["--datasets", data, "--runs", runs, "--models", runs / "models"]
    return [RINGRIFT, "train", CONFIG, "--threads", "1", "--device", "cpu", "--json", *folders, *options]


def start(words: list[str | Path]) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(words: list[str | Path]) -> dict[str, Any]:
    """The report of a training that comes to its end."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def history(runs: Path) -> Path:
    """The history of the only run; it may not be there yet."""
    return next(iter(runs.glob(f"{CONFIG}/*/history.jsonl")), runs / "none")


def losses(runs: Path) -> list[tuple[float, float]]:
    found = read_history(history(runs)).training
    return list(zip(found["step"].tolist(), found["losses.total"].tolist(), strict=True))


def wait_for_lines(process: subprocess.Popen[str], runs: Path, lines: int) -> None:
    while process.poll() is None:
        path = history(runs)
        if path.exists() and path.read_text().count("\n") >= lines:
            return
        time.sleep(0.005)
    raise AssertionError(f"it ended too early: {process.communicate()[1]}")


def test_killed_again_and_again_it_learns_exactly_what_it_would_have(data: Path, tmp_path: Path) -> None:
    whole = finished(command(data, tmp_path / "whole"))
    words = command(data, tmp_path / "killed")
    for lines in (5, 8, 20):
        process = start(words)
        wait_for_lines(process, tmp_path / "killed", lines)
        process.kill()
        process.communicate()
    assert finished(words)["facts"]["model"] == whole["facts"]["model"]
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert len(losses(tmp_path / "whole")) == STEPS


def test_told_to_stop_it_keeps_what_it_has_learned(data: Path, tmp_path: Path) -> None:
    """As a spot instance is told, or a service that is stopped."""
    words = command(data, tmp_path, epochs=1000)
    process = start(words)
    wait_for_lines(process, tmp_path, 3)
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "stopping" in errors
    report = json.loads(output.splitlines()[-1])
    assert report["facts"]["model"] is None
    emergency = next(tmp_path.glob(f"{CONFIG}/*/checkpoints/emergency-*.pt"))
    named = re.fullmatch(r"emergency-(\d{9})-[0-9a-f]{16}\.pt", emergency.name)
    assert named
    assert int(named[1]) == report["steps"] >= 3


def test_short_of_memory_it_goes_on_in_smaller_parts(data: Path, tmp_path: Path) -> None:
    """The limit is that of the operating system, for everything beyond what the process has before it trains."""
    program = (
        "import psutil, resource, sys, torch;"
        "from ringrift.cli import main; import ringrift.training, torch.utils.tensorboard, matplotlib.figure;"
        "import ringrift.datasets.loader;"
        "used = psutil.Process().memory_info().data;"
        "resource.setrlimit(resource.RLIMIT_DATA, (used + 1_000_000_000,) * 2);"
        "main()"
    )
    words = command(data, tmp_path, batch=8192, epochs=32, checkpoint_steps=1, validate_epochs=100)
    done = subprocess.run(
        [sys.executable, "-c", program, *words[1:]], capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["samples"] == 32 * 512
    assert report["facts"]["model"]


def torchrun(processes: int, words: list[str | Path]) -> str:
    """What the processes of a run print together."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launcher, *words], capture_output=True, text=True, timeout=1800, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_two_processes_learn_what_one_learns_with_the_whole_batch(data: Path, tmp_path: Path) -> None:
    """Not exactly: each takes the statistics of its norms from its own half of the batch."""
    changes = {"dropout": 0, "learning_rate": 0.003}
    one = finished(command(data, tmp_path / "one", **changes))
    printed = torchrun(2, command(data, tmp_path / "two", **changes))
    (two,) = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]  # only one of them talks
    assert two["samples"] == one["samples"]
    alone, together = dict(losses(tmp_path / "one")), dict(losses(tmp_path / "two"))
    assert together[1] == pytest.approx(alone[1], rel=0.02)
    mean_alone, mean_together = (sum(found.values()) / STEPS for found in (alone, together))
    assert mean_together == pytest.approx(mean_alone, rel=0.03)


def test_two_machines_that_meet_train_one_network(data: Path, tmp_path: Path) -> None:
    """Both are this machine, with a process each; machine 0 alone talks and writes the model."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    words = command(data, tmp_path, epochs=1)
    second, first = (
        start([*words, "--nodes", "2", "--node-rank", str(rank), "--rendezvous", place]) for rank in (1, 0)
    )
    printed, errors = first.communicate(timeout=1800)
    silent, _ = second.communicate(timeout=1800)
    assert (first.returncode, second.returncode) == (0, 0), errors[-4000:]
    (report,) = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert report["samples"] == 512
    assert report["facts"]["model"]
    assert "{" not in silent


def check_nearly_equal(found: torch.Tensor, wanted: torch.Tensor, data: Path) -> None:
    """Weights differ by rounding, which is little beside the way that the steps have led them."""
    way = wanted - shared_steps.weights_after(1, data / f"{CONFIG}.json")
    assert torch.linalg.vector_norm(found - wanted) < 0.01 * torch.linalg.vector_norm(way)


def test_where_norms_do_not_depend_on_the_batch_two_processes_have_the_weights_of_one(
    data: Path, tmp_path: Path
) -> None:
    """Also with a batch in two parts each, after which the gradients are shared once."""
    torchrun(2, [Path(shared_steps.__file__), data / f"{CONFIG}.json", tmp_path / "weights"])
    first, second = (torch.load(tmp_path / f"weights-{rank}.pt", weights_only=True) for rank in (0, 1))
    assert torch.equal(first, second)
    check_nearly_equal(first, shared_steps.weights_after(4, data / f"{CONFIG}.json"), data)


def test_two_processes_project_the_gradients_of_the_whole_batch(data: Path, tmp_path: Path) -> None:
    """PCGrad of one process that has the whole batch: both have the same weights, and they are those."""
    torchrun(2, [Path(shared_steps.__file__), data / f"{CONFIG}.json", tmp_path / "weights", "pcgrad"])
    first, second = (torch.load(tmp_path / f"weights-{rank}.pt", weights_only=True) for rank in (0, 1))
    assert torch.equal(first, second)
    alone = shared_steps.weights_after(4, data / f"{CONFIG}.json", pcgrad=True, parts=1)
    check_nearly_equal(first, alone, data)


def test_two_processes_come_to_the_same_end_together(data: Path, tmp_path: Path) -> None:
    """Early stopping is decided by figures that all processes share: none leaves while another one goes on."""
    changes = {"epochs": 40, "patience": 1, "learning_rate": 1e-6, "validate_epochs": 0.25, "losses.pcgrad": True}
    printed = torchrun(2, command(data, tmp_path, **changes))
    (report,) = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert report["facts"]["ended"] == "no better any more"
