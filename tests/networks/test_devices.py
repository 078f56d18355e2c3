from __future__ import annotations

import pytest
import torch

from ringrift.networks.devices import NoDevice, checked_device, inference_device, inference_type, known_devices


def test_a_device_that_is_not_there_is_one_line_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert known_devices() == ("cuda", "cuda:0", "cuda:1", "cpu")
    assert checked_device(None) == inference_device() == "cuda"
    assert checked_device("cuda:1") == "cuda:1"
    with pytest.raises(NoDevice) as refused:
        checked_device("cuda:7")
    assert str(refused.value) == "device 'cuda:7': this machine has cuda, cuda:0, cuda:1, cpu"


def test_a_driver_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def init() -> None:
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 11040).\nPlease update it.")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "init", init)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(NoDevice) as refused:
        checked_device("cuda")
    assert str(refused.value) == (
        "device 'cuda': this machine has cpu (The NVIDIA driver on your system is too old (found version 11040).)"
    )


def test_apples_gpus_are_used_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert known_devices() == ("mps", "cpu")
    assert inference_type(torch.device("mps")) is torch.float32
