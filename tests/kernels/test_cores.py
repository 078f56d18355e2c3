from __future__ import annotations

import pytest

from ringrift.kernels.cores import own_cores, share_of_cores


@pytest.mark.parametrize("processes", [1, 2, 3, 5, 16])
def test_processes_share_all_cores_and_none_twice(processes: int) -> None:
    cores = list(range(100, 116))
    shares = [share_of_cores(cores, place, processes) for place in range(processes)]
    assert [core for share in shares for core in share] == cores
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_more_processes_than_cores_take_turns() -> None:
    assert [list(share_of_cores([4, 7], place, 3)) for place in range(3)] == [[4], [7], [4]]


def test_a_process_has_cores() -> None:
    assert len(own_cores()) >= 1
