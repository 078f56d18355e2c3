from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from ringrift.networks import ARCHITECTURES, Architecture


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Tests share their cores with others; threads that wait for each other would wait for those."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="session")
def tiny() -> Iterator[None]:
    """A network that computes fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "tiny", Architecture(channels=8, blocks=1, squeeze=False, head_channels=4))
        yield
