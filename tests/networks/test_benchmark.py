from __future__ import annotations

import torch

from ringrift.benchmarks.networks import measure_network
from ringrift.networks import NetworkConfig, flops


def test_a_measurement_says_what_was_measured():
    speed = measure_network("small", "hex8", 3, batch=4, dtype=torch.float32, repeats=1)
    assert (speed.config, speed.device, speed.dtype, speed.memory_format, speed.batch) == (
        "hex8_3p",
        "cpu",
        "float32",
        "channels_last",
        4,
    )
    assert speed.flops_per_position == flops(NetworkConfig.of("small", "hex8", 3), whole_policy=False)
    expected = speed.flops_per_position * speed.positions_per_second / speed.achievable_flops
    assert abs(speed.share - expected) < 1e-9
    assert speed.evaluated_per_second > 0
