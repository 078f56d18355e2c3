"""The devices that networks compute on: which there are, what each is called, and which type of numbers suits it."""

from __future__ import annotations

import torch

from ringrift.errors import RingRiftError


class NoDevice(RingRiftError):
    """A device that this machine does not have."""


def inference_type(device: torch.device) -> torch.dtype:
    """Return bfloat16 where the device multiplies it natively, else float32.

    Measured on one core of a Zen 5 (avx512_bf16), batches of 256: 1.4 times as many positions per second as in float32
    with the small network, 1.9 times with v2. Apple's GPUs compute in float32: nothing has been measured there.
    """
    native = False
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        native = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return torch.bfloat16 if native else torch.float32


def gpu_count() -> int:
    """Return the number of CUDA devices that this process can use."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def known_devices() -> tuple[str, ...]:
    """Return the names of all devices of this machine, the best one first."""
    cuda = ["cuda", *(f"cuda:{number}" for number in range(gpu_count()))] if gpu_count() else []
    return (*cuda, *(["mps"] if torch.backends.mps.is_available() else []), "cpu")


def inference_device() -> str:
    """Return the name of the device to use: a GPU where there is one."""
    return known_devices()[0]


def checked_device(device: str | None) -> str:
    """Return the named device, or the best there is; `NoDevice` says why it is not there."""
    known = known_devices()
    if device is None:
        return known[0]
    if device not in known:
        because = f" ({_why_no_cuda()})" if device.startswith("cuda") and not gpu_count() else ""
        raise NoDevice(f"device {device!r}: this machine has {', '.join(known)}{because}")
    return device


def device_name(device: torch.device) -> str:
    """Return what a person calls a device: the model of a GPU, else its kind."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def device_bytes(device: torch.device) -> int | None:
    """Return the memory of a GPU in bytes; None where a device shares the memory of the machine."""
    return torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else None


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory has run out; torch has no type of its own for that on CPUs."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _OUT_OF_MEMORY)


_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "std::bad_alloc")


def _why_no_cuda() -> str:
    """Return in a line why CUDA cannot be used: torch without it, no driver, or one that is too old."""
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except (RuntimeError, AssertionError) as error:
        return str(error).strip().splitlines()[0]
    return "CUDA sees no GPU: look at nvidia-smi and at CUDA_VISIBLE_DEVICES"
