"""What the control of hosts has decided, asked over SSH."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringrift.fleet.pace import FleetPace, ask_pace
from ringrift.resources.pace import PLAN
from tests.fleet.servers import Server, connection_settings, server
from tests.resources.test_fill import plan


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Server]:
    with server(tmp_path / "host", "gpu-1") as found:
        yield found


def ask(sshd: Server) -> FleetPace:
    return ask_pace({"gpu-1": sshd.host()}, connection_settings())


def test_a_host_tells_its_plan_and_what_is_none_is_one_line(sshd: Server) -> None:
    (found,) = ask(sshd).hosts
    assert found.trouble == "gpu-1: nothing is decided there: no `ringrift fill` runs, see --services"
    plan(decided=time.time(), processes={"hex8_2p": 3}).write(sshd.home / PLAN)
    report = ask(sshd)
    assert report.complete
    assert report.to_json()["hosts"]["gpu-1"]["plan"]["processes"] == {"hex8_2p": 3}
    (sshd.home / PLAN).write_text('{"cpu": "\\u001b[31m much"}')
    (found,) = ask(sshd).hosts
    assert found.plan is None
    assert "asked for its plan, it answers" in found.trouble
    assert "\n" not in found.trouble
    sshd.stop()
    report = ask(sshd)
    assert not report.complete
    assert "refuses connections" in report.hosts[0].trouble
