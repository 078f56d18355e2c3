"""Prometheus and Alertmanager of this machine with the files of `include/monitoring`, in quick motion, for tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.airflow.place import REPOSITORY
from tests.cli.processes import RINGRIFT
from tests.processes import wait_for
from tests.system.standalone import free_port

MONITORING = REPOSITORY / "include" / "monitoring"
SCRAPE = "1s"
LONGEST_RANGE = "6s"
UNITS = {"m": 60, "h": 3600}
QUICKER = 300
"""By so much the rules are quicker to fire, though not quicker than in a second."""
PATIENCE = 120.0


class Alerting:
    """`ringrift metrics serve` of a workspace, Prometheus, Alertmanager, and a webhook that keeps what it is told."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "alerting"
        self.folder.mkdir()
        self.delivered: list[dict[str, Any]] = []
        """What the webhook was told, in order: name, status, labels, annotations."""
        self._seen: dict[str, int] = {}
        self._home = home
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ports = {name: free_port() for name in ("metrics", "prometheus", "alertmanager", "gossip")}
        self._webhook = _webhook(self.delivered)

    def __enter__(self) -> Self:
        threading.Thread(target=self._webhook.serve_forever, daemon=True).start()
        self._write_rules()
        self._write_settings()
        ports = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        self._start("metrics", str(RINGRIFT), "metrics", "serve", "--port", str(self._ports["metrics"]))
        self._start(
            "alertmanager",
            _program("prometheus-alertmanager", "alertmanager"),
            *(f"--config.file={self.folder}/alertmanager.yaml", f"--storage.path={self.folder}/alertmanager"),
            *(f"--web.listen-address={ports['alertmanager']}", "--cluster.listen-address="),
        )
        self._start(
            "prometheus",
            _program("prometheus"),
            *(f"--config.file={self.folder}/prometheus.yaml", f"--storage.tsdb.path={self.folder}/prometheus"),
            *(f"--web.listen-address={ports['prometheus']}", "--rules.alert.resend-delay=1s"),
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._webhook.shutdown()
        self._webhook.server_close()

    @property
    def url(self) -> str:
        """Of Prometheus."""
        return f"http://127.0.0.1:{self._ports['prometheus']}"

    def query(self, expression: str) -> list[dict[str, Any]]:
        try:
            address = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
            with urllib.request.urlopen(address, timeout=30) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
                return found
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(error.read().decode()) from None

    def eventually(self, expression: str) -> list[dict[str, Any]]:
        """What a query finds as soon as it finds something."""
        found: list[dict[str, Any]] = wait_for(lambda: self.query(expression), PATIENCE)
        return found

    def wait_until_scraped(self) -> None:
        def scraped() -> bool:
            try:
                return bool(self.query('up{job="ringrift"} == 1'))
            except (OSError, AssertionError):  # it is about to start
                return False

        wait_for(scraped, PATIENCE)

    def wait_for(self, status: str, *alerts: str) -> None:
        """Wait until each alert was told to fire, since this was asked last; or all that it was about is resolved."""
        reached = self._has_fired if status == "firing" else self._is_resolved
        give_up = time.monotonic() + PATIENCE
        while missing := [alert for alert in alerts if not reached(alert)]:
            assert time.monotonic() < give_up, (status, missing, self._firing())
            time.sleep(0.1)
        for alert in alerts:
            self._seen[alert] = len(self.delivered)

    def wait_until_quiet(self, besides: set[str]) -> None:
        """Wait until no other alert fires."""
        wait_for(lambda: self._firing() <= besides, PATIENCE)

    def rules(self) -> set[str]:
        """The names of all alerts."""
        with urllib.request.urlopen(f"{self.url}/api/v1/rules", timeout=30) as answer:
            groups = json.load(answer)["data"]["groups"]
        return {rule["name"] for group in groups for rule in group["rules"]}

    @contextmanager
    def again_and_again(self, act: Callable[[], object], pause: float = 0.3) -> Iterator[None]:
        """Do something all the time while the block runs."""
        over = threading.Event()

        def run() -> None:
            while not over.is_set():
                act()
                over.wait(pause)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _has_fired(self, alert: str) -> bool:
        new = self.delivered[self._seen.get(alert, 0) :]
        return any((one["name"], one["status"]) == (alert, "firing") for one in new)

    def _is_resolved(self, alert: str) -> bool:
        last = {tuple(sorted(one["labels"].items())): one["status"] for one in self.delivered if one["name"] == alert}
        return set(last.values()) == {"resolved"}

    def _firing(self) -> set[str]:
        """The alerts that fire, but for those on this machine, which may be full of other work."""
        return {one["metric"]["alertname"] for one in self.query('ALERTS{alertstate="firing", host!="local"}')}

    def _write_rules(self) -> None:
        (self.folder / "rules").mkdir()
        for path in (MONITORING / "rules").glob("*.yaml"):
            content = yaml.safe_load(path.read_text())
            for group in content["groups"]:
                for rule in group["rules"]:
                    rule["expr"] = re.sub(r"\[\d+[mh]\]", f"[{LONGEST_RANGE}]", rule["expr"])
                    if "for" in rule:
                        rule["for"] = _quicker(rule["for"])
            (self.folder / "rules" / path.name).write_text(yaml.safe_dump(content))

    def _write_settings(self) -> None:
        settings = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())
        settings["global"] = {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": SCRAPE}
        text = yaml.safe_dump(settings).replace("localhost:9093", f"127.0.0.1:{self._ports['alertmanager']}")
        text = text.replace("localhost:9090", f"127.0.0.1:{self._ports['metrics']}")
        (self.folder / "prometheus.yaml").write_text(text)
        settings = yaml.safe_load((MONITORING / "alertmanager.yaml").read_text())
        settings["route"] |= {"group_wait": "100ms", "group_interval": "500ms"}
        address = f"http://127.0.0.1:{self._webhook.server_address[1]}/"
        for receiver in settings["receivers"]:
            receiver["webhook_configs"] = [{"url": address, "send_resolved": True}]
        (self.folder / "alertmanager.yaml").write_text(yaml.safe_dump(settings))

    def _start(self, name: str, *words: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                words, cwd=self._home, env=os.environ | {"RINGRIFT_HOME": str(self._home)}, stdout=log, stderr=log
            )
        self._processes.append(process)


def _quicker(duration: str) -> str:
    found = re.fullmatch(r"(\d+)([mh])", duration)
    assert found, duration
    return f"{max(1, int(found[1]) * UNITS[found[2]] // QUICKER)}s"


def _program(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, f"there is no {names[0]} on this machine: apt install prometheus prometheus-alertmanager"
    return found


def _webhook(delivered: list[dict[str, Any]]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for alert in told["alerts"]:
                delivered.append({"name": alert["labels"]["alertname"], **alert})
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
