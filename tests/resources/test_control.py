"""The control of utilisation, on a simulated host: it settles, does not overshoot the band, and does not swing."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from ringrift.resources.control import (
    Controller,
    Load,
    Pid,
    ProcessCount,
    batch_factor,
    most_processes,
    trend_of,
)
from ringrift.resources.control_settings import control_settings
from tests.resources.simulated_host import SimulatedHost

LOW, HIGH = 0.6, 0.8


def swings(values: list[float], size: float) -> int:
    """The number of times that values have turned around by more than `size`."""
    count, last, direction = 0, values[0], 0
    for value in values:
        if abs(value - last) > size:
            now = 1 if value > last else -1
            count += direction not in (0, now)
            last, direction = value, now
        elif (value - last) * direction > 0:
            last = value
    return count


@pytest.mark.parametrize("cores", [2, 16, 64])
@pytest.mark.parametrize("seed", range(3))
def test_an_idle_machine_is_in_the_band_after_two_minutes_and_stays(cores: int, seed: int) -> None:
    host = SimulatedHost(cores=cores, seed=seed).run(300)
    assert host.settled(host.cpu) <= 30
    assert max(host.cpu) < HIGH, "nothing above the band"
    assert abs(np.mean(host.cpu[100:]) - 0.7) < 0.02
    assert swings(host.cpu[100:], 0.05) == 0
    assert len(set(host.processes[100:])) <= 3


def test_work_of_others_is_made_room_for_and_taken_back() -> None:
    host = SimulatedHost(others=lambda look: 0.5 if 100 <= look < 250 else 0.0).run(400)
    before, during = host.cpu[:250], host.cpu
    assert host.settled(before, since=100) <= 30
    assert host.settled(during, since=250) <= 30
    assert min(host.cpu[100:250]) > LOW, "it does not let go of too much"
    assert max(host.cpu[255:]) < HIGH
    assert swings(host.cpu[140:250], 0.05) == swings(host.cpu[300:], 0.05) == 0


def test_load_that_comes_and_goes_is_followed() -> None:
    host = SimulatedHost(cores=2, others=lambda look: 0.25 + 0.25 * np.sin(look / 40)).run(600)
    inside = [LOW <= value <= HIGH for value in host.cpu[60:]]
    assert np.mean(inside) > 0.9


def test_a_machine_that_others_fill_for_long_is_filled_again_as_soon_as_they_are_gone() -> None:
    host = SimulatedHost(others=lambda look: 0.95 if look < 300 else 0.0).run(400)
    assert host.settled(host.cpu, since=300) <= 30, "the integral has not wound up"


def test_the_gpu_decides_where_it_is_nearer_to_its_target() -> None:
    host = SimulatedHost(gpu_gain=1.6).run(300)
    assert abs(np.mean(host.gpu[100:]) - 0.75) < 0.03
    assert np.mean(host.cpu[100:]) < LOW
    assert swings(host.gpu[100:], 0.08) == 0


def test_the_reason_is_told() -> None:
    controller = Controller(control_settings())
    assert controller.look(Load(0.1)).why == "processors 10% of 70%, below the band"
    assert "GPU 97% of 75%, critical" in Controller(control_settings()).look(Load(0.1, 0.97)).why
    full = Controller(control_settings()).look(Load(0.7, 0.7, 0.95))
    assert full.why.endswith("GPU memory 95%: 30% of the games side by side")


def test_a_controller_at_its_limit_does_not_wind_up() -> None:
    pid = Pid(control_settings().pid)
    for _ in range(1000):
        assert 0 <= pid.step(0.7, 4) <= 1
    outputs = [pid.step(-0.2, 4) for _ in range(20)]
    assert outputs[-1] < 0.2


def test_the_trend_has_a_confidence() -> None:
    assert trend_of(deque([0.1, 0.2]), 3) is None
    line = trend_of(deque([0.1, 0.2, 0.31, 0.4]), 3)
    assert line is not None
    assert line.slope == pytest.approx(0.1, abs=0.01)
    assert line.ahead == pytest.approx(0.7, abs=0.02)
    assert line.confidence > 0.99
    noise = trend_of(deque(np.random.default_rng(1).normal(0.5, 0.1, 12)), 3)
    assert noise is not None
    assert noise.confidence < 0.95
    level = trend_of(deque([0.5] * 5), 3)
    assert level is not None
    assert (level.slope, level.confidence) == (0.0, 0.0)


def test_games_side_by_side_are_cut_where_gpu_memory_is_full_and_grow_only_if_they_fit() -> None:
    settings = control_settings().gpu_memory
    assert batch_factor(None, 1.0, settings) == 1.0
    assert batch_factor(0.79, 1.0, settings) == 1.0
    assert batch_factor(0.85, 1.0, settings) == 0.7
    assert batch_factor(0.95, 1.0, settings) == 0.3
    assert batch_factor(0.60, 0.7, settings) == 0.7, "in full they would take 86 %"
    assert batch_factor(0.50, 0.7, settings) == 1.0
    assert batch_factor(0.20, 0.3, settings) == 1.0
    assert batch_factor(0.30, 0.3, settings) == 0.7


def test_processes_come_at_once_and_go_when_they_have_not_been_needed_for_a_while() -> None:
    count = ProcessCount(cores=8, most=6, patience=3)
    assert count.follow(0.5) == 1.0
    assert count.processes == 4
    assert [count.follow(0.1) for _ in range(2)] == [0.2, 0.2]
    assert count.processes == 4
    count.follow(0.1)
    assert count.processes == 2
    count.follow(1.0)
    assert count.processes == 6, "no more than the machine can bear"
    assert most_processes(16, 8.0, control_settings()) == 6
    assert most_processes(16, 0.5, control_settings()) == 1
