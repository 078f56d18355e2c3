"""Reading what torch has saved from untrusted sources: nothing is unpickled, and nothing grows on its way."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import torch


def read_tensors(content: bytes) -> dict[str, Any]:
    """Return what a file of torch holds, on the CPU; `ValueError` if it is not what `torch.save` writes.

    torch never compresses. So an archive that does would be made to fill the memory, and is refused.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sound = all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
        stored = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True) if sound else None
    except Exception as error:  # its readers raise whatever they stumble over
        raise ValueError(f"not what torch writes ({type(error).__name__})") from None
    if not isinstance(stored, dict):
        raise ValueError("not what torch writes")
    return stored
