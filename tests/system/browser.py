"""Chromium without a window, over its DevTools protocol: opens a page, waits for a text, takes a picture."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """One page."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = count(1)

    def call(self, method: str, **params: Any) -> Any:
        """A command of the protocol, and its answer."""
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._connection.recv(timeout=60))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript in the page."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def settle(self, expression: str) -> Any:
        """The value that a promise of JavaScript comes to."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def open(self, url: str, cookie: str, until: str) -> None:
        """Open a page as who is logged in, and wait until a text stands in it."""
        self.call("Network.setCookie", name="_token", value=cookie, url=url)
        self.call("Page.navigate", url=url)
        self.wait_for(until)

    def wait_for(self, text: str) -> None:
        """Wait until a text stands in the page."""
        give_up = time.monotonic() + 60
        while text not in (found := self.evaluate("document.body ? document.body.innerText : ''") or ""):
            assert time.monotonic() < give_up, found
            time.sleep(0.3)
        time.sleep(1.5)  # for what is drawn after it

    def click(self, text: str) -> None:
        """Press the button of that text."""
        found = self.evaluate(
            "(() => { const all = [...document.querySelectorAll('button')];"
            f" const one = all.find(b => b.innerText.trim() === {json.dumps(text)}"
            f" || b.getAttribute('aria-label') === {json.dumps(text)});"
            " if (one) one.click(); return Boolean(one); })()"
        )
        assert found, f"there is no button {text!r}"

    def picture(self, path: Path) -> None:
        """Write what the page shows as PNG."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))


@contextmanager
def browser(width: int = 1440, height: int = 900) -> Iterator[Browser]:
    """A browser with an empty page; it is gone afterwards."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    assert program, "there is no Chromium on this machine: apt install chromium"
    # Its helpers may still write for a moment when it has been killed.
    with tempfile.TemporaryDirectory(prefix="ringrift-chromium-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [
                program,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--remote-debugging-port=0",
                "--remote-allow-origins=*",
                f"--window-size={width},{height}",
                f"--user-data-dir={folder}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            port = Path(folder) / "DevToolsActivePort"
            give_up = time.monotonic() + 60
            while not (port.exists() and port.read_text().strip()):
                assert time.monotonic() < give_up
                assert process.poll() is None
                time.sleep(0.1)
            address = f"http://127.0.0.1:{port.read_text().split()[0]}/json/list"
            with urllib.request.urlopen(address, timeout=30) as answer:
                page = next(found for found in json.load(answer) if found["type"] == "page")
            with connect(page["webSocketDebuggerUrl"], max_size=None) as connection:
                yield Browser(connection)
        finally:
            process.kill()
            process.wait()
