"""The pages inside a real Airflow, in a browser: the side-bar, the tabs of DAGs and tasks, an approval by clicks.

The stages are those of the stand-in; what they have made is put into the database and the folders beside them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import participant
from ringrift.evaluation.settings import evaluation_settings
from ringrift.evaluation.store import store_evaluation
from ringrift.evaluation.tournament import round_robin
from ringrift.game_database import GamesDatabase, ingest
from ringrift.models import ModelStore, change_champion
from ringrift.run_context import RunContext
from tests.contexts import ingest_context
from tests.game_database.records import random_records, write
from tests.models.making import registered
from tests.system.browser import Browser, browser
from tests.system.standalone import DAG, Standalone

CONFIG = "square8_2p"
GAMES = 3
"""The number of games of each shard."""
CHECK = {"name": "heuristic", "asks": "won", "measured": "71 %", "limit": "> 55 %", "verdict": "passed"}
OPPONENT = {"role": "heuristic", "opponent": "heuristic", "games": 40, "score": 0.7, "low": 0.55, "high": 0.82}
PAGES = {
    "Games": "in the database",
    "Live": "Live",
    "Play": "Begin the game",
    "Rules": "Recovery",
    "Runs": "held out",
    "Fleet": "This machine does all",
    "Overview": "configs have a champion",
}
"""The links of our own navigation, and a text of the page of each."""
PATIENCE = 600
"""Seconds; the first page loads the application in the API server."""
FRAME = "document.querySelector('iframe')?.contentDocument"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("airflow pages")]


class Shown:
    """A browser that is logged in to an Airflow with a run of the loop."""

    def __init__(self, airflow: Standalone, page: Browser, run: str) -> None:
        self.airflow = airflow
        self.page = page
        self.run = run
        self.path = f"dags/{DAG}/runs/{quote(run, safe='')}"

    def open(self, where: str) -> None:
        """Open a page of Airflow, after the last one has gone, so that nobody clicks there."""
        url = self.airflow.deployment.url
        self.page.call("Page.navigate", url="about:blank")
        while self.page.evaluate("location.href") != "about:blank":
            time.sleep(0.1)
        self.page.call("Network.setCookie", name="_token", value=self.airflow.api.token(), url=url)
        self.page.call("Page.navigate", url=f"{url}/{where}")

    def wait(self, *texts: str, within: str = "document") -> str:
        """Wait until all texts stand in Airflow's page or in the frame of ours, and return all of its text."""
        give_up = time.monotonic() + PATIENCE
        while not all(text in (told := str(self.page.evaluate(f"{within}?.body?.innerText"))) for text in texts):
            assert time.monotonic() < give_up, f"{texts}: {told}"
            time.sleep(0.3)
        return told

    def click(self, selector: str, text: str, within: str = "document") -> None:
        """Click on what has that text, or an address that ends so."""
        give_up = time.monotonic() + PATIENCE
        clicked = f"""
            ((text) => {{
              const one = [...({within}?.querySelectorAll({json.dumps(selector)}) ?? [])].find(
                (each) => each.innerText.trim() === text || each.getAttribute("href")?.endsWith(text));
              one?.click();
              return Boolean(one);
            }})({json.dumps(text)})
        """
        while not self.page.evaluate(clicked):
            assert time.monotonic() < give_up, f"nothing says {text!r}: {self.page.evaluate('document.body.innerText')}"
            time.sleep(0.3)


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """An Airflow in which a person has a say in promotions."""
    found = Standalone(tmp_path_factory.mktemp("pages"), approval=True)
    found.up()
    try:
        found.wait(lambda: found.api.get("/dags")["total_entries"] >= 4)
        yield found
    finally:
        found.down()
        from tests.airflow.conftest import kill_all_jobs

        kill_all_jobs(found.place.home)


@pytest.fixture(scope="module")
def shown(airflow: Standalone) -> Iterator[Shown]:
    """A run, and what its stages would make, so that no page has to wait for them."""
    airflow.api.patch(f"/dags/{DAG}", {"is_paused": False})
    run = airflow.trigger()
    interval = re.sub(r"[^A-Za-z0-9.-]", "-", run)
    fill(airflow.place.home, [f"{CONFIG}-{interval}-{shard}" for shard in range(2)])
    with browser() as page:
        page.call("Page.enable")
        yield Shown(airflow, page, run)


def fill(home: Path, runs: list[str]) -> None:
    """Put what the stages of a run would have made where the pages look for it."""
    with GamesDatabase(str(home / "data" / "games" / "ringrift.db"), create=True) as database:
        for seed, run in enumerate(runs):
            records = [replace(one, run=run) for one in random_records(CONFIG, GAMES, seed)]
            write(home / "filled" / f"{seed}.jsonl", records)
        assert ingest(database, [home / "filled"], ingest_context()).games == GAMES * len(runs)
        players = (participant("heuristic", CONFIG), participant("random", CONFIG))
        round_robin(CONFIG, players, 2, MatchRunner(database, RunContext(evaluation_settings())))
        report = {"opponents": [OPPONENT | {"verdict": "passed"}]}
        store_evaluation(database, "gauntlet", CONFIG, report, candidate="gumbel@32", passed=True)
        store = ModelStore(database, home / "models")
        model = registered(store, 1, CONFIG, architecture="small")
        told = {"checks": [CHECK]}
        before = store.champion(CONFIG)
        change_champion(
            store,
            model,
            expected=before.id if before else None,
            kind="promoted",
            forced=False,
            why="stronger",
            verdict=told,
        )
    training = home / "data" / "runs" / CONFIG / "0123abcd"
    training.mkdir(parents=True)
    losses = {"total": 2.0, "policy": 1.5}
    lines = [{"step": 5, "losses": losses, "accuracy": 0.2}, {"step": 5, "holdout": losses}]
    (training / "history.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


@pytest.fixture(autouse=True)
def picture(shown: Shown, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """A picture of what the browser has shown last, where RINGRIFT_SCREENSHOTS asks for it."""
    yield
    if folder := os.environ.get("RINGRIFT_SCREENSHOTS"):
        shown.page.picture(tmp_path / "page.png")
        shutil.copy(tmp_path / "page.png", Path(folder) / f"{request.node.name}.png")


def test_the_side_bar_leads_to_the_overview(shown: Shown) -> None:
    shown.open("")
    shown.click("a", "/plugin/ringrift")
    shown.wait("1 of 12 configs have a champion", within=FRAME)


def test_a_dag_has_a_tab_with_the_page_of_its_config(shown: Shown) -> None:
    shown.open(f"dags/{DAG}")
    shown.click("a", "/plugin/ringrift-dag")
    shown.wait("Square 8 × 8, 2 players", "Won by seat", within=FRAME)


def test_a_shard_of_self_play_leads_to_its_games_and_each_to_its_replay(shown: Shown) -> None:
    shown.open(f"{shown.path}/tasks/selfplay/mapped/1")
    shown.click("a", "/plugin/ringrift-task")
    shown.wait(f"{GAMES} shown", within=FRAME)
    shown.page.evaluate(f"{FRAME}.querySelector('tbody a').click()")
    shown.wait("Moves", "Download", within=FRAME)


@pytest.mark.parametrize(
    ("task", "texts"),
    [
        ("train", ("0123abcd", "held out")),
        ("gauntlet", ("gumbel@32", "70.0 %")),
        ("gate", ("71 %", "> 55 %")),
        ("promote", ("Lineage", "champion")),
    ],
)
def test_a_task_leads_to_what_it_has_made(task: str, texts: tuple[str, ...], shown: Shown) -> None:
    shown.open(f"{shown.path}/tasks/{task}")
    shown.click("a", "/plugin/ringrift-task")
    shown.wait(*texts, within=FRAME)


def test_every_page_is_reached_inside_airflow(shown: Shown) -> None:
    shown.open("plugin/ringrift")
    for link, text in PAGES.items():
        shown.click("nav a", link, within=FRAME)
        shown.wait(text, within=FRAME)


def test_a_person_approves_a_promotion_by_clicks(shown: Shown) -> None:
    airflow = shown.airflow
    airflow.reached(shown.run, lambda: airflow.tasks(shown.run).get("approve") == "awaiting_input")
    shown.open(f"{shown.path}/tasks/approve/required_actions")
    shown.wait(f"Make the new model the champion of {CONFIG}?", "95 %")
    shown.click("button", "Approve")
    airflow.finished(shown.run)
    assert airflow.tasks(shown.run)["promote"] == "success"


def test_who_is_not_logged_in_sees_nothing(shown: Shown) -> None:
    url = f"{shown.airflow.deployment.url}/ringrift/pages/"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(url, timeout=60)
    shown.page.call("Network.clearBrowserCookies")
    shown.page.call("Page.navigate", url=url)
    assert "RingRift" not in shown.wait("detail")
