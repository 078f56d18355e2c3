"""The pages in a browser: every page, light and dark, games by clicks, a replay, hostile names, a telephone's width."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn

from ringrift.game import Game, parse_config
from ringrift.game_database import GamesDatabase, ingest
from ringrift.resources.control import Load
from ringrift.resources.control_settings import control_settings
from ringrift.resources.fill import HostControl
from ringrift.resources.pace import PLAN
from ringrift.selfplay.live import NAME, LiveFile, LiveWorker, RunningGame
from ringrift.web import WebContext, create_app, web_settings
from ringrift.web.guards import open_guards
from ringrift.web.pages import play
from tests.contexts import ingest_context
from tests.game_database.records import random_records, write
from tests.system.browser import Browser, browser

pytestmark = pytest.mark.xdist_group("web pages")

HOSTILE = '<img src=x onerror="window.hacked=true">"\'</script>{{7*7}}'
FEW = 5
"""Moves of a person in a game on a large board, whose limit is set so that it ends then."""
LARGE = 100
"""Cells of a board from which on a game to its real end takes too long."""
WATCH = """
window.wrong = [];
addEventListener("error", (event) => wrong.push(String(event.message)));
addEventListener("unhandledrejection", (event) => wrong.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => wrong.push(`${event.violatedDirective} ${event.blockedURI}`));
"""
PLAY_BY_CLICKS = """
(async () => {
  const until = Date.now() + 20000;
  let clicks = 0;
  while (Date.now() < until && !document.body.innerText.includes("The game is over")) {
    const choices = document.querySelectorAll('[aria-label="Your choice"] .choices button');
    const cells = document.querySelectorAll(".board .cell.legal");
    const chosen = choices[choices.length - 1] ?? cells[Math.floor(cells.length / 2)];
    if (chosen) clicks++;
    chosen?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    await new Promise((done) => setTimeout(done, 50));
  }
  return clicks;
})()
"""
"""Clicks for some seconds, or until the game is over; tells how often."""
FAINT = """
(() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const painted = (colours) => {
    context.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
    }
    const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data]
      .map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const grounds = (one) => (one ? [...grounds(one.parentElement), getComputedStyle(one).backgroundColor] : ["white"]);
  const faint = [];
  for (const one of document.querySelectorAll("body *:not(svg *, option, :disabled)")) {
    const text = [...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
    if (!text || !one.getClientRects().length) continue;
    const under = grounds(one);
    const both = [painted(under), painted([...under, getComputedStyle(one).color])].sort((a, b) => a - b);
    if ((both[1] + 0.05) / (both[0] + 0.05) < 4.5) faint.push(text);
  }
  return [...new Set(faint)];
})()
"""
"""The texts whose contrast is less than what WCAG 2.2 asks of small ones (1.4.3)."""


class Site:
    """The application with a few games, and a browser that looks at it."""

    def __init__(self, address: str, home: Path, page: Browser) -> None:
        self.address = address
        self.home = home
        self.page = page
        page.call("Page.enable")
        page.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    def show(self, where: str, until: str) -> str:
        """Open a page anew, wait until it has a text, and return all of its text."""
        self.page.call("Page.navigate", url="about:blank")
        self.page.call("Page.navigate", url=f"{self.address}/pages/{where}")
        return self.wait(until)

    def wait(self, until: str) -> str:
        """Wait until the page has a text, and return all of it."""
        give_up = time.monotonic() + 60
        while until not in (text := self.page.evaluate("document.body?.innerText") or ""):
            assert time.monotonic() < give_up, text
            time.sleep(0.05)
        return str(text)

    def width(self, width: int, height: int = 844) -> None:
        """Give the page the width of a screen."""
        self.page.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def is_well(self) -> None:
        """Nothing has gone wrong in the page, and nothing came from another host."""
        assert self.page.evaluate("window.wrong") == []
        assert self.page.evaluate("window.hacked") is None
        loaded = self.page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
        assert loaded
        assert [one for one in loaded if not one.startswith(self.address)] == []


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the application serves."""
    return tmp_path_factory.mktemp("web")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    folder = home
    records = [*random_records(count=4, searched=2), *random_records("hexagonal_2p", 1, max_moves=60)]
    records += [
        replace(one, run=HOSTILE, host=HOSTILE, engines=(HOSTILE,) * len(one.engines), models=(HOSTILE,) * 3)
        for one in random_records("hex8_3p", 1)
    ]
    write(folder / "games" / "a.jsonl", records)
    with GamesDatabase(str(folder / "ringrift.db"), create=True) as database:
        assert ingest(database, [folder / "games"], ingest_context()).games == 6
    run = folder / "data" / "runs" / "square8_2p" / "0123abcd"
    run.mkdir(parents=True)
    losses = {"total": 2.0, "policy": 1.5}
    lines = [{"step": 5, "losses": losses, "accuracy": 0.2}, {"step": 5, "holdout": losses}]
    (run / "history.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    control = HostControl(control_settings(), cores=4, memory_gb=16)
    control.plan(Load(0.95), {"hex8_2p": 1.0}, now=time.time()).write(folder / PLAN)
    context = WebContext(web_settings(), home=folder, database=str(folder / "ringrift.db"))
    config = uvicorn.Config(create_app(context, open_guards()), port=0, log_level="error", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
    context.close()


@pytest.fixture(scope="module")
def site(address: str, home: Path) -> Iterator[Site]:
    with browser() as page:
        yield Site(address, home, page)


PAGES = {
    "#/": "configs have a champion",
    "#/games": "in the database",
    "#/games/1": "Moves",
    "#/games/5?at=40": "Hex, 469 cells",
    "#/configs/square8_2p": "Won by seat",
    "#/configs/square8_2p?show=cross-table": "No rated games yet",
    "#/evaluations": "No such games have been played yet",
    "#/play": "Begin the game",
    "#/play/square19_2p?seats=person,person&seed=1": "Your choice",
    "#/rules": "Recovery",
    "#/file": "Drop a file of games",
    "#/fleet": "Control of this machine",
    "#/runs": "held out",
    "#/runs?config=hex8_2p": "No training yet",
    "#/live": "Game 6",
}


@pytest.mark.parametrize("where", PAGES)
def test_every_page_fits_a_desk_and_a_telephone_and_can_be_read_by_day_and_by_night(where: str, site: Site) -> None:
    grounds = set()
    for width, scheme in ((1440, "light"), (390, "light"), (390, "dark"), (1440, "dark")):
        site.width(width)
        site.page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        site.show(where, PAGES[where])
        assert site.page.evaluate("document.documentElement.scrollWidth") <= width
        assert site.page.evaluate(FAINT) == []
        grounds.add(site.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        site.is_well()
    assert len(grounds) == 2


def test_names_in_records_are_text_and_nothing_else(site: Site) -> None:
    assert HOSTILE in site.show("#/games?config=hex8_3p", "1 shown")
    site.page.evaluate("document.querySelector('tbody a').click()")
    assert HOSTILE in site.wait("Moves")
    assert site.page.evaluate("document.querySelectorAll('main img').length") == 0
    site.is_well()


def test_a_replay_is_stepped_through_by_keys_and_linked(site: Site) -> None:
    site.width(1440, 900)
    record = random_records(count=4, searched=2)[0]
    assert record.search is not None
    at = next(
        int(n) for n, count in zip(record.search.action_index, record.search.policy_lengths, strict=True) if count > 9
    )
    site.show(f"#/games/1?at={at}", f"{at} / {len(record.actions)}")
    assert site.page.evaluate("document.querySelectorAll('.heat').length") > 0
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        site.page.evaluate(f"dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))")
        time.sleep(0.1)
    site.wait(f"{at + 1} / ")
    assert site.page.evaluate("location.hash") == f"#/games/1?at={at + 1}"
    site.page.click("Last position")
    assert "won" in site.wait("In the end")
    site.is_well()


def play_by_clicks(site: Site) -> int:
    """Click until the game is over, and return how often."""
    give_up, clicks = time.monotonic() + 1200, 0
    while "The game is over" not in (text := str(site.page.evaluate("document.body.innerText"))):
        assert time.monotonic() < give_up, text
        clicks += site.page.settle(PLAY_BY_CLICKS)
    return clicks


@pytest.mark.parametrize("config", ["square8_2p", "hex8_3p", "square19_2p", "hexagonal_4p"])
def test_a_whole_game_is_played_by_clicks(config: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    board, players = parse_config(config)
    if board.cells > LARGE:
        monkeypatch.setattr(play, "move_limit", lambda _: 4 * FEW * players)
    seats = ",".join(["person", *["level:1"] * (players - 1)])
    site.width(1440, 900)
    site.show(f"#/play/{config}?seats={seats}&seed=4", "Your choice")
    assert play_by_clicks(site) >= FEW
    where = site.page.evaluate("location.hash")
    assert "The game is over" in site.show(where, "The game is over")  # resumed by its address
    site.page.click("Undo")
    site.wait("Your choice")
    site.is_well()


def test_a_game_of_self_play_is_watched_while_it_is_played(site: Site) -> None:
    folder = site.home / "data" / "selfplay" / "hex8_2p" / "h" / "0"
    folder.mkdir(parents=True)
    game, rng = Game("hex8", 2), np.random.default_rng(3)

    def played(moves: int) -> LiveWorker:
        while int(game.array["ply"]) < moves:
            game.play(int(rng.choice(game.legal_actions())))
        running = RunningGame(game=12, engines=[HOSTILE, "random"], actions=game.actions)
        return LiveWorker(
            config="hex8_2p",
            run="r",
            host=HOSTILE,
            worker="0",
            written=0,
            max_moves=800,
            side_by_side=64,
            games=11,
            games_per_second=0.25,
            moves_per_second=20,
            running=[running],
        )

    with LiveFile(folder) as file:
        file.show(lambda: played(10))
        text = site.show("#/live", "move 10, player")
        assert "0.25 games/s now" in text
        assert HOSTILE in text
        before = site.page.evaluate("document.querySelector('[aria-label^=\"Game 12\"] .board').innerHTML")
        (folder / NAME).write_text(played(17).model_dump_json())
        site.wait("move 17, player")
        after = site.page.evaluate("document.querySelector('[aria-label^=\"Game 12\"] .board').innerHTML")
        assert before != after
    site.wait("No self-play on this machine now")
    site.is_well()


def test_a_game_is_played_by_keys_alone(site: Site) -> None:
    site.show("#/play/square8_2p?seats=person,level:1&seed=4", "Your choice")
    site.page.evaluate("document.querySelector('.board [tabindex=\"0\"]').focus()")
    for key in ("ArrowLeft", "ArrowUp", "Enter"):
        site.page.evaluate(
            f"document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))"
        )
        time.sleep(0.1)
    assert "Place 2 rings at 2,2" in site.wait("Place a ring")
    site.is_well()


def choices_of(config: str, count: int) -> list[list[str]]:
    """The keys of the legal actions at decisions of random games."""
    board, players = parse_config(config)
    rng = np.random.default_rng(5)
    found: list[list[str]] = []
    while len(found) < count:
        game = Game(board.name, players)
        while not game.is_over and len(found) < count:
            if len(game.legal_actions()) > 1 and (game.phase != "ring_placement" or rng.random() < 0.1):
                found.append(game.keys())
            game.play(int(rng.choice(game.legal_actions())))
    return found


def test_every_legal_action_can_be_reached_by_clicks(site: Site) -> None:
    site.show("#/rules", "Recovery")
    decisions = [keys for config in ("square8_2p", "hex8_4p") for keys in choices_of(config, 150)]
    unreached: Any = site.page.settle(
        """
        (async (decisions) => {
          const { click, narrowed } = await import("../static/pages/play.js");
          const { parseKey } = await import("../static/actions.js");
          const unreached = [];
          for (const keys of decisions) {
            const legal = keys.map((key, number) => [number, key]);
            for (const [number, key] of legal) {
              const { path, area } = parseKey(key);
              if (area || !path.length) continue; // has a button of its own
              let state = { clicked: [], play: null };
              for (const cell of path) state = click(legal, state.clicked, cell);
              const offered = state.play === null ? narrowed(legal, state.clicked).map(([one]) => one) : [state.play];
              if (!offered.includes(number) || offered.length > 3) unreached.push(key);
            }
          }
          return unreached;
        })("""
        + json.dumps(decisions)
        + ")"
    )
    assert unreached == []


def test_a_file_is_opened_by_dropping_it(site: Site, tmp_path: Path) -> None:
    lines = write(tmp_path / "games.jsonl", random_records(count=2))
    site.show("#/games", "in the database")
    site.page.evaluate(
        f"""
        (() => {{
          const files = new DataTransfer();
          files.items.add(new File([{json.dumps(b"".join(lines).decode())}], "mine.jsonl"));
          dispatchEvent(new DragEvent("drop", {{ dataTransfer: files, bubbles: true, cancelable: true }}));
        }})()
        """
    )
    text = site.wait("1 of 2")
    assert "mine.jsonl" in text
    site.is_well()
