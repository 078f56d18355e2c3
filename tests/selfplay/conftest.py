from __future__ import annotations

from collections.abc import Iterator

import pytest

from ringrift.networks import ARCHITECTURES, Architecture


@pytest.fixture(autouse=True, scope="session")
def tiny() -> Iterator[None]:
    """A network that computes fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "tiny", Architecture(channels=8, blocks=1, squeeze=False, head_channels=4))
        yield
