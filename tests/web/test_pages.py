"""The data of the pages: what they say of games is what the rules say, and nobody's input breaks them."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from ringrift.agents import champion
from ringrift.fleet.answers import GpuUsage, HostUsage
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import Host, fleet_settings
from ringrift.fleet.placement import Needs
from ringrift.fleet.ssh import Unusable
from ringrift.game import Game, configs, get_board
from ringrift.game.notation import cell_key
from ringrift.game_database import GamesDatabase, ingest
from ringrift.models import ModelStore
from ringrift.networks import save_model
from ringrift.resources.control import Load
from ringrift.resources.control_settings import control_settings
from ringrift.resources.fill import HostControl
from ringrift.resources.pace import PLAN
from ringrift.web import WebContext
from ringrift.web.app import STATIC
from ringrift.web.pages import configs as configs_page
from ringrift.web.pages import fleet as fleet_page
from ringrift.web.pages import games as games_page
from ringrift.web.pages import overview as overview_page
from ringrift.web.pages.frames import cell_text, words_of
from ringrift.web.pages.remembered import Remembered
from tests.contexts import ingest_context
from tests.game_database.records import random_records, write
from tests.models.making import crowned, network, registered

TRACES = Path(__file__).parents[1] / "traces"
CONFIGS = [f"{board}_{players}p" for board, players in configs()]


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the package's champions, of which there is none unless a test writes one."""
    folder = tmp_path / "package"
    monkeypatch.setattr(champion, "SHIPPED", folder)
    return folder


@pytest.fixture
def filled(context: WebContext, client: TestClient, tmp_path: Path) -> Iterator[TestClient]:
    """A database of 60 games of square8_2p, the first three with search statistics, and 4 of hex8_3p."""
    write(tmp_path / "games" / "a.jsonl", random_records(count=60, searched=3))
    write(tmp_path / "games" / "b.jsonl", random_records("hex8_3p", 4))
    with GamesDatabase(str(tmp_path / "ringrift.db"), create=True) as database:
        ingest(database, [tmp_path / "games"], ingest_context())
    yield client


def cells_after(board: str, frames: list[dict[str, Any]]) -> list[str]:
    """The cells of the last of some frames, put together as the page does."""
    cells = [""] * get_board(board).cells
    for frame in frames:
        for cell, text in frame["cells"]:
            cells[cell] = text
    return cells


def test_a_fresh_clone_shows_all_configs_and_what_to_do(client: TestClient) -> None:
    overview = client.get("/pages/data/overview").json()
    assert {one["config"] for one in overview["configs"]} == set(CONFIGS)
    assert all("ringrift loop" in one["why"] for one in overview["configs"])


def test_the_overview_says_that_a_training_goes_on(client: TestClient, context: WebContext) -> None:
    with GamesDatabase(str(context.home / "ringrift.db"), create=True) as database:
        registered(ModelStore(database, context.models), 3, architecture="small", training={"steps": 1})
    history = context.home / "data" / "runs" / "hex8_2p" / "0123" / "history.jsonl"
    history.parent.mkdir(parents=True)
    history.write_text('{"step": 40, "epoch": 0.5}\n')
    overview_page._overviews = Remembered(0)
    configs = client.get("/pages/data/overview").json()["configs"]
    (why,) = (one["why"] for one in configs if one["config"] == "hex8_2p")
    assert why == "Trains: run 0123, step 40, 0.5 passes over the samples."


def test_the_overview_names_the_champion_that_plays_until_there_is_another(
    client: TestClient, context: WebContext, package: Path
) -> None:
    elo = {"gumbel@32": {"elo": 900, "low": 800, "high": 1000, "games": 160}}
    architecture = network("hex8_2p", architecture="small")
    shipped = save_model(package / "hex8_2p.pth", architecture, {"training": {"elo": elo}})[:16]

    def champions() -> dict[str, tuple[Any, ...]]:
        overview_page._overviews = Remembered(0)
        configs = client.get("/pages/data/overview").json()["configs"]
        return {one["config"]: (one["champion"], one["shipped"], *one["elo"].items()) for one in configs}

    of_the_package = (None, shipped, ("gumbel@32", [900, 800, 1000]))
    assert champions()["hex8_2p"] == of_the_package, "in a fresh clone"
    assert champions()["hex8_3p"] == (None, None)
    with GamesDatabase(str(context.home / "ringrift.db"), create=True) as database:
        store = ModelStore(database, context.models)
        own = registered(store, 3, architecture="small", training={"steps": 1})
        assert champions()["hex8_2p"] == of_the_package, "with a model that is no champion"
        crowned(store, own)
    assert champions()["hex8_2p"] == (own.id, None)


def test_the_overview_says_what_is_missing_to_the_next_training(filled: TestClient) -> None:
    found = {one["config"]: one for one in filled.get("/pages/data/overview").json()["configs"]}
    assert found["square8_2p"]["games"] == 60
    missing = found["square8_2p"]["games_needed"] - 60
    assert f"Waits for {missing} more games" in found["square8_2p"]["why"]


def test_pages_of_games_follow_each_other_without_a_gap(filled: TestClient) -> None:
    first = filled.get("/pages/data/games", params={"config": "square8_2p"}).json()
    second = filled.get("/pages/data/games", params={"config": "square8_2p", "before": first["older"]}).json()
    ids = [game["id"] for page in (first, second) for game in page["games"]]
    assert len(ids) == 60
    assert ids == sorted(ids, reverse=True)
    assert second["older"] is None
    assert first["counted"] == 60


def test_a_filter_without_an_index_looks_through_a_bounded_number_of_games(
    filled: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(games_page, "WINDOW", 10)
    looked, before = 0, None
    while True:
        page = filled.get("/pages/data/games", params={"engine": "nobody"} | ({"before": before} if before else {}))
        assert page.json()["games"] == []
        assert page.json()["looked_at"] <= 10
        looked += page.json()["looked_at"]
        before = page.json()["older"]
        if before is None:
            break
    assert looked == 64


def test_the_statistics_of_a_config_are_those_of_its_newest_games(
    filled: TestClient, context: WebContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(home: str) -> Any:
        context.home = context.home / home  # so that the answer that is remembered is not asked for again
        return filled.get("/pages/data/configs/square8_2p/statistics").json()

    one = asked("all")
    assert (one["games"], one["all_games"], sum(one["endings"].values())) == (60, 60, 60)
    monkeypatch.setattr(configs_page, "COUNTED", 7)
    one = asked("newest")
    listed = filled.get("/pages/data/games", params={"config": "square8_2p"}).json()["games"][:7]
    assert (one["games"], one["all_games"]) == (7, 60)
    assert one["endings"] == Counter(game["reason"] for game in listed)
    assert one["mean_moves"] == pytest.approx(sum(game["plies"] for game in listed) / 7)
    assert filled.get("/pages/data/configs/hex8_2p/statistics").json() is None


@pytest.mark.parametrize(
    ("asked", "count"),
    [({"model": "abc"}, 50), ({"run": "test"}, 50), ({"reason": "stopped"}, 0), ({"engine": "%"}, 0)],
)
def test_games_are_filtered(asked: dict[str, str], count: int, filled: TestClient) -> None:
    assert len(filled.get("/pages/data/games", params=asked).json()["games"]) == count


def test_a_replay_shows_every_position_of_the_game(filled: TestClient) -> None:
    record = random_records(count=60, searched=3)[0]
    listed = filled.get("/pages/data/games?config=square8_2p&before=50").json()["games"]
    found = next(game for game in listed if game["game"] == record.game)
    replay = filled.get(f"/pages/data/games/{found['id']}/replay").json()["replay"]
    game = Game("square8", 2, max_moves=record.max_moves)
    searched = {one["frame"]: one for one in replay["searches"]}
    assert searched
    for number, frame in enumerate(replay["frames"]):
        if frame["action"] is not None:
            game.play(frame["action"])
        shown = cells_after("square8", replay["frames"][: number + 1])
        assert shown == [cell_text(word) for word in words_of(game).tolist()]
        assert frame["seats"]["hand"] == game.array["hand"][:2].tolist()
        if number in searched:
            assert {key for key, _ in searched[number]["policy"]} <= set(game.keys())
    assert game.is_over
    assert replay["outcome"]["winner"] == record.winner


def test_a_downloaded_game_opens_again(filled: TestClient) -> None:
    for moves in ("false", "true"):
        line = filled.get("/pages/data/games/5/record", params={"moves": moves})
        assert line.headers["content-disposition"] == "attachment"
        opened = filled.post("/pages/data/replay", content=line.content, headers={"content-type": "text/plain"})
        stored = filled.get("/pages/data/games/5/replay").json()["replay"]
        assert opened.json()["frames"] == stored["frames"]


@pytest.mark.parametrize("name", ["hex8_4p", "square19_2p"])
def test_games_of_other_programs_open(name: str, client: TestClient) -> None:
    with gzip.open(TRACES / f"{name}.jsonl.gz") as file:
        line = file.readline()
    replay = client.post("/pages/data/replay", content=line, headers={"content-type": "text/plain"}).json()
    assert replay["config"] == name
    assert len(replay["frames"]) > 50


@pytest.mark.parametrize(
    "line",
    [b"", b"no json", b"[]", b"{}", b'{"config": "square8_2p", "moves": [3]}', b'{"format": 2}', b"[" * 5000, b"\xff"],
)
def test_a_line_that_is_no_game_is_refused_in_one_line(line: bytes, client: TestClient) -> None:
    refused = client.post("/pages/data/replay", content=line, headers={"content-type": "text/plain"})
    assert refused.status_code == 422
    assert "\n" not in refused.json()["detail"]


def test_an_illegal_action_in_a_dropped_policy_is_not_shown(client: TestClient) -> None:
    record = random_records(count=1, searched=1)[0]
    assert record.search is not None
    illegal = replace(record.search, policy_actions=record.search.policy_actions - 10**9)
    line = replace(record, search=illegal).to_line()
    opened = client.post("/pages/data/replay", content=line, headers={"content-type": "text/plain"}).json()
    assert [one["policy"] for one in opened["searches"]] == [[]] * len(record.search.action_index)


@pytest.mark.parametrize("config", ["square8_2p", "hex8_3p"])
def test_a_game_is_played_to_its_end_and_saved(config: str, client: TestClient) -> None:
    players = int(config[-2])
    body: dict[str, Any] = {"config": config, "seats": ["person", *["level:1"] * (players - 1)], "seed": 7}
    actions: list[int] = []
    frames: list[dict[str, Any]] = []
    for _ in range(3000):
        step = body | {"actions": actions, "known": len(frames), "advance": bool(frames)}
        position = client.post("/pages/data/play/position", json=step).json()
        actions += position["actions"]
        frames += position["frames"]
        assert len(frames) == len(actions) + 1
        if position["waits"] == "over":
            break
        if position["waits"] == "person":
            actions.append(position["legal"][len(actions) % len(position["legal"])][0])
    assert position["outcome"] is not None
    line = client.post("/pages/data/play/record", json=body | {"actions": actions})
    assert Game.from_record(json.loads(line.content)).array["ply"] > 20
    again = client.post("/pages/data/play/position", json=body | {"actions": actions}).json()
    assert again["frames"] == frames


def test_what_a_player_answers_depends_on_the_game_alone(client: TestClient) -> None:
    step = {"config": "square8_2p", "seats": ["level:2", "level:1"], "seed": 3, "advance": True}
    first, second = (client.post("/pages/data/play/position", json=step).json() for _ in range(2))
    assert first == second
    assert first["waits"] == "player"


def test_a_hint_names_legal_actions(client: TestClient) -> None:
    hint = client.post("/pages/data/play/hint", json={"config": "hex8_2p", "seats": ["person"] * 2, "seed": 1}).json()
    assert {one["key"] for one in hint["candidates"]} <= set(Game("hex8", 2).keys())
    assert len(hint["values"]) == 2
    (loaded,) = client.get("/ai/models").json()["loaded"]
    assert loaded["ai_type"] == "gumbel", "who gives hints is one of the service's players, under its limits"


def test_what_comes_in_is_told_by_host_and_config(filled: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1767225600 + 3600 + 29)  # half of square8_2p's are older
    live = filled.get("/pages/data/live").json()
    assert [game["id"] for game in live["newest"]] == [64, 63, 62, 61]
    rates = {(one["config"], one["host"]): one["games"] for one in live["rates"]}
    assert rates == {("square8_2p", "h"): 30}
    assert live["last"] == 64


def test_runs_of_training_are_shown_while_they_go_on(client: TestClient, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "runs" / "square8_2p" / "0123abcd"
    folder.mkdir(parents=True)
    losses = {"total": 2.5, "policy": float("nan")}
    entries = [{"step": 5, "losses": losses, "accuracy": 0.25}, {"step": 5, "holdout": {"total": 2.75}, "seen": {}}]
    (folder / "history.jsonl").write_text("".join(f"{json.dumps(entry)}\n" for entry in entries) + '{"step"')
    (listed,) = client.get("/pages/data/runs").json()["runs"]
    assert (listed["run"], listed["ended"], listed["model"]) == ("0123abcd", None, None)
    curves = client.get("/pages/data/runs/square8_2p/0123abcd").json()["curves"]
    assert curves["total"] == {"steps": [5], "training": [2.5], "holdout_steps": [5], "holdout": [2.75]}
    assert curves["policy"]["training"] == [None]
    (folder / "report.json").write_text('{"facts": {"ended": "all 5 epochs", "model": 3}, "steps": "many"}')
    (listed,) = client.get("/pages/data/runs").json()["runs"]
    assert (listed["ended"], listed["model"], listed["steps"]) == ("all 5 epochs", None, None)


@pytest.mark.parametrize("run", ["absent", "..%2f..%2fetc", "%2e%2e", "a" * 65])
def test_a_run_that_is_not_there_is_refused(run: str, client: TestClient) -> None:
    assert client.get(f"/pages/data/runs/square8_2p/{run}").status_code in (404, 422)


def test_the_fleet_shows_what_the_control_of_this_machine_has_decided(client: TestClient, context: WebContext) -> None:
    assert client.get("/pages/data/fleet").json() == {"hosts": [], "control": None}
    control = HostControl(control_settings(), cores=4, memory_gb=16)
    decided = control.plan(Load(0.95), {"hex8_2p": 1.0}, now=1_790_000_000.0)
    decided.write(context.home / PLAN)
    shown = client.get("/pages/data/fleet").json()["control"]
    assert shown == decided.to_json()
    assert shown["why"]


def test_the_fleet_shows_load_jobs_and_why_a_host_is_retired(
    filled: TestClient, context: WebContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {name: Host(address="192.0.2.1", user="u", roles=["selfplay"], gpus=1, gpu="H100") for name in ("a", "b")}
    monkeypatch.setattr(fleet_page, "all_hosts", lambda _: known)
    health = Health(context.database(), known, fleet_settings().health)
    health.answered("a")
    health.measured("a", HostUsage(cpu=75.0, gpu=[GpuUsage(50.0, 100, 200)]))
    health.choose("job-1", "selfplay", needs=Needs(1))
    health.failed("b", Unusable("its key has changed"))
    first, second = filled.get("/pages/data/fleet").json()["hosts"]
    assert first["usage"]["cpu"] == 75
    assert first["usage"]["gpu"] == [[50, 100, 200]]
    assert [job["job"] for job in first["jobs"]] == ["job-1"]
    assert first["resting"] is None
    assert "its key has changed" in second["resting"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"seats": ["level:11", "person"]},
        {"seats": ["gumbel:../../etc/passwd@8", "person"]},
        {"seats": ["minimax@99", "person"]},
        {"seats": ["champion@99999", "person"]},
        {"seats": ["champion@16", "person"]},
        {"seats": ["person", "person", "person"]},
        {"seats": ["person", "person"], "actions": [123456]},
        {"seats": ["person", "person"], "actions": [-1]},
        {"seats": ["person", "person"], "config": "chess"},
        {"seats": ["person", "person"], "seed": 2**40},
    ],
)
def test_a_game_that_cannot_be_played_is_refused_in_one_line(wrong: dict[str, Any], client: TestClient) -> None:
    step = {"config": "square8_2p", "seed": 1, "advance": True} | wrong
    refused = client.post("/pages/data/play/position", json=step)
    assert refused.status_code == 422
    assert "\n" not in refused.json()["detail"]


def test_everybody_offered_for_a_seat_can_play(client: TestClient) -> None:
    for config in ("square8_2p", "hexagonal_4p"):
        offered = client.get(f"/pages/data/play/players/{config}").json()["choices"]
        assert [one["seat"] for one in offered] == ["person", *(f"level:{level}" for level in range(1, 11))]


def test_in_a_fresh_clone_the_champion_that_comes_along_can_be_played_with(
    client: TestClient, context: WebContext, package: Path
) -> None:
    shipped = save_model(package / "hex8_2p.pth", network("hex8_2p", architecture="small"))[:16]
    for _ in range(2):  # without a database, and with one that knows no champion
        offered = client.get("/pages/data/play/players/hex8_2p").json()["choices"]
        (choice,) = (one for one in offered if one["seat"] == "champion@16")
        assert choice["name"] == "The champion that comes with RingRift, 16 simulations"
        assert choice["detail"] == shipped
        step = {"config": "hex8_2p", "seats": ["champion@16", "person"], "seed": 1, "advance": True}
        answered = client.post("/pages/data/play/position", json=step)
        assert answered.status_code == 200, answered.text
        assert answered.json()["actions"]
        GamesDatabase(str(context.home / "ringrift.db"), create=True).close()
    with GamesDatabase(str(context.home / "ringrift.db")) as database:
        own = crowned(store := ModelStore(database, context.models), registered(store, 3, architecture="small"))
    offered = client.get("/pages/data/play/players/hex8_2p").json()["choices"]
    (choice,) = (one for one in offered if one["seat"] == "champion@16")
    assert (choice["name"], choice["detail"]) == ("The champion, 16 simulations", own.id)


def test_the_pictures_of_the_rules_obey_the_rules() -> None:
    board = get_board("square8")
    for lesson in json.loads((STATIC / "rules.json").read_text()):
        stacks = {key: text for key, text in lesson["before"].items() if text[0] not in "mc"}
        owned = {kind: {k: int(t[1]) for k, t in lesson["before"].items() if t[0] == kind} for kind in "mc"}
        on_board = "".join(stacks.values())
        start = Game("square8", 2).state() | {
            "currentPlayer": lesson["player"],
            "phase": lesson["phase"],
            "stacks": stacks,
            "markers": owned["m"],
            "collapsed": owned["c"],
            "ringsInHand": [18 - on_board.count("1"), 18 - on_board.count("2")],
        }
        game = Game.from_state(start, "square8", 2)
        for key in lesson["keys"]:
            game.play(key)
        texts = [cell_text(word) for word in words_of(game).tolist()]
        after = {cell_key(board, cell): text for cell, text in enumerate(texts) if text}
        assert after == lesson["after"], lesson["title"]


def test_the_pages_name_no_other_host() -> None:
    own = [path for path in STATIC.rglob("*") if path.suffix in {".js", ".css", ".html", ".json"}]
    assert len(own) > 10
    for path in own:
        if "vendor" in path.parts:
            continue
        assert not re.findall(r"https?://", path.read_text()), path


def test_the_document_is_served_with_its_files(client: TestClient) -> None:
    document = client.get("/pages/")
    for address in re.findall(r'(?:src|href)="\.\.(/static/[^"]+)"', document.text):
        assert client.get(address).status_code == 200, address
    assert "<script>" not in document.text
