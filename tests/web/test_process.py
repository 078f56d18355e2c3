"""`ringrift web` as a process: killed, it begins again and answers the same; asked to end, it answers first."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.web.states import first_state

pytestmark = pytest.mark.slow

RINGRIFT = Path(sys.executable).parent / "ringrift"
PATIENCE = 120.0


@contextmanager
def server(home: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The process and its port, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "RINGRIFT_HOME": str(home), **variables}
    words = [RINGRIFT, "web", "--port", str(port)]
    log = (home / "log").open("w")
    process = subprocess.Popen(words, cwd=home, env=environment, stderr=log)
    try:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and process.poll() is None:
            try:
                ask(port, "GET", "/live")
                break
            except OSError:
                time.sleep(0.1)
        yield process, port
    finally:
        process.kill()
        process.wait()
        log.close()


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def request(mode: str = "gumbel") -> dict[str, Any]:
    return {"game_state": first_state("square8_2p"), "player_number": 1, "ai_type": mode, "seed": 5}


def test_after_a_kill_it_answers_as_before(tmp_path: Path) -> None:
    answers = []
    for _ in range(2):
        with server(tmp_path) as (process, port):
            answers.append(ask(port, "POST", "/ai/move", request()))
            process.kill()
    assert [status for status, _ in answers] == [200, 200]
    assert answers[0][1]["move"] == answers[1][1]["move"]
    assert answers[0][1]["evaluation"] == answers[1][1]["evaluation"]


def test_what_is_under_way_is_answered_before_it_ends(tmp_path: Path) -> None:
    with server(tmp_path) as (process, port), ThreadPoolExecutor(1) as pool:
        ask(port, "POST", "/ai/move", request("puct"))
        answer = pool.submit(ask, port, "POST", "/ai/move", request("puct"))
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert answer.result()[0] == 200
        assert process.wait(timeout=PATIENCE) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)


def test_the_log_has_a_line_for_every_answer_and_no_secret(tmp_path: Path) -> None:
    secret = "a-token-that-nobody-may-read"
    with server(tmp_path, RINGRIFT_WEB_TOKEN=secret) as (process, port):
        assert ask(port, "GET", f"/ai/models?token={secret}", Authorization=f"Bearer {secret}")[0] == 200
        assert ask(port, "GET", "/ai/models", Authorization="Bearer another-secret")[0] == 401
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE)
    log = (tmp_path / "log").read_text()
    answers = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert [answer["status"] for answer in answers if answer.get("route") == "/ai/models"] == [200, 401]
    assert secret not in log
    assert "another-secret" not in log


def test_others_are_not_served_without_a_token(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "RINGRIFT_WEB_TOKEN"}
    words = [RINGRIFT, "web", "--host", "0.0.0.0"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "set a token in RINGRIFT_WEB_TOKEN" in done.stderr
