"""The service as game servers call it: whole games on every config, bad requests, many clients, new champions."""

from __future__ import annotations

import copy
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from ringrift.agents import champion, promoted_model
from ringrift.game import Game, configs, parse_config
from ringrift.networks import save_model
from ringrift.web import WebContext, create_app
from ringrift.web.guards import open_guards
from tests.models.making import network
from tests.web.states import first_state, server_state

pytestmark = pytest.mark.slow

Json = dict[str, Any]
CONFIGS = [f"{board}_{players}p" for board, players in configs()]
ADMIN_KEY = "the-key-of-the-administrator"


@pytest.fixture(autouse=True)
def _none_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No champion comes with the package here: who has not been promoted is not there."""
    monkeypatch.setattr(champion, "SHIPPED", tmp_path / "package")


def ask(client: TestClient, state: Json, **more: Any) -> Json:
    request = {"game_state": state, "player_number": state["currentPlayer"], "seed": 1, "difficulty": 1, **more}
    answer = client.post("/ai/move", json=request)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def play_on(client: TestClient, state: Json, move: Json) -> Json:
    answer = client.post("/rules/evaluate_move", json={"game_state": state, "move": move}).json()
    assert answer["valid"], answer
    return dict(answer["next_state"])


def place_model(models: Path, config: str, seed: int) -> Path:
    """Put a new, untrained champion where the promoted model lies."""
    path = promoted_model(models, config)
    save_model(path, network(config, seed, "small"))
    return path


LARGE = [config for config in CONFIGS if config.startswith(("square19", "hexagonal"))]
LEFT = 40
"""The actions that were left in a random game on a large board when the service takes over."""
FIRST = 60
"""The actions with which a game on a large board begins."""


def late_game(config: str) -> Game:
    """A random game that is about to end."""
    board, players = parse_config(config)
    whole, rng = Game(board.name, players), np.random.default_rng(3)
    while not whole.is_over:
        whole.play(int(rng.choice(whole.legal_actions())))
    game = Game(board.name, players)
    for action in whole.actions[:-LEFT]:
        game.play(action)
    return game


@pytest.mark.parametrize("config", CONFIGS)
def test_a_game_server_plays_a_game_to_its_end(config: str, client: TestClient) -> None:
    """On a large board it begins late, with the whole history: the moves between take minutes and show nothing new."""
    board, players = parse_config(config)
    game = late_game(config) if config in LARGE else Game(board.name, players)
    state = server_state(config, game.state(), game.record()["moves"])
    play_through(client, game, state, 10**6)
    assert game.is_over


@pytest.mark.parametrize("config", LARGE)
def test_a_game_server_begins_a_game_on_a_large_board(config: str, client: TestClient) -> None:
    board, players = parse_config(config)
    play_through(client, Game(board.name, players), first_state(config), FIRST)


def play_through(client: TestClient, game: Game, state: Json, actions: int) -> None:
    """Let the service choose every move, to the end of the game or until it has so many actions."""
    while not game.is_over:
        answer = ask(client, state, difficulty=1, seed=len(game.actions))
        assert -1 <= answer["evaluation"] <= 1
        game.play(answer["move"])
        state = play_on(client, state, answer["move"])
        assert state["zobristHash"] == f"{game.hash():016x}"
        if len(game.actions) > actions:
            return
    assert state["winner"] == game.result().winner
    assert ask(client, state, player_number=1)["move"] is None


def test_the_same_seed_gives_the_same_move(client: TestClient) -> None:
    state = first_state("square8_2p")
    for level in (1, 2, 5):
        moves = [ask(client, state, difficulty=level, seed=seed)["move"] for seed in (7, 7, 8, 9, 10)]
        assert moves[0] == moves[1]
    assert len({str(ask(client, state, seed=seed)["move"]) for seed in range(20)}) > 5


@pytest.mark.parametrize("mode", ["random", "heuristic", "minimax", "descent", "policy", "puct", "gumbel"])
def test_a_mode_can_be_asked_for_by_name(mode: str, client: TestClient) -> None:
    answer = ask(client, first_state("square8_2p"), ai_type=mode)
    assert answer["ai_type"] == mode
    assert answer["use_neural_net"] is False
    assert answer["heuristic_profile_id"] == (None if mode == "random" else "square8_2p")


def test_a_champion_is_used_and_taken_in_anew_when_it_changes(client: TestClient, context: WebContext) -> None:
    state = first_state("square8_2p")
    place_model(context.models, "square8_2p", seed=1)
    first = ask(client, state, ai_type="policy")
    assert first["use_neural_net"]
    assert first["nn_checkpoint"] == "ringrift_best_square8_2p.pth"
    place_model(context.models, "square8_2p", seed=2)
    second = ask(client, state, ai_type="policy")
    assert second["nn_model_id"] != first["nn_model_id"]
    assert second["evaluation"] != first["evaluation"]
    (loaded,) = client.get("/ai/models").json()["loaded"]
    assert loaded["reloads"] == 1
    path = promoted_model(context.models, "square8_2p")
    path.write_bytes(b"half a model")
    assert ask(client, state, ai_type="policy")["evaluation"] == second["evaluation"]


def test_a_position_is_judged_feature_by_feature_and_by_the_champion(client: TestClient, context: WebContext) -> None:
    state = first_state("square8_3p")
    for _ in range(12):
        state = play_on(client, state, ask(client, state)["move"])
    judged = client.post("/ai/evaluate", json={"game_state": state, "player_number": 2}).json()
    assert judged["score"] == pytest.approx(sum(judged["breakdown"].values()))
    whole = client.post("/ai/evaluate_position", json={"game_state": state}).json()
    assert sum(player["value"] for player in whole["players"]) != 0
    assert {player["network_value"] for player in whole["players"]} == {None}
    place_model(context.models, "square8_3p", seed=1)
    assert None not in {
        player["network_value"]
        for player in client.post("/ai/evaluate_position", json={"game_state": state}).json()["players"]
    }


def test_one_bad_request_of_many_spoils_no_other(client: TestClient) -> None:
    good = {"game_state": first_state("hex8_2p"), "player_number": 1, "difficulty": 2, "seed": 1}
    wrong = {**good, "player_number": 2}
    none = {"game_state": {"boardType": "hex9"}, "player_number": 1}
    answers = client.post("/ai/moves_batch", json=[good, wrong, none, good]).json()
    assert answers[0]["move"] == answers[3]["move"]
    assert "it is the turn of player 1, not of 2" in answers[1]["detail"]
    assert "game_state.boardType" in answers[2]["detail"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"currentPhase": "no such"}, "currentPhase"),
        ({"boardType": "chess"}, "boardType"),
        ({"players": []}, "players"),
        ({"board": {"stacks": {"a": {}}}}, "board"),
        ({"moveHistory": 3}, "moveHistory"),
        ({"currentPlayer": 2.5}, "currentPlayer"),
        ({"victoryThreshold": 2}, "victoryThreshold"),
        ({"currentPhase": "capture"}, "moveHistory"),
        ({"board": {"stacks": {}, "markers": {"0,9": {"player": 1}}}}, "there is no cell"),
    ],
)
def test_a_bad_state_is_refused_in_one_line(change: Json, complaint: str, client: TestClient) -> None:
    state = {**first_state("square8_2p"), **change}
    answer = client.post("/ai/move", json={"game_state": state, "player_number": 1})
    assert answer.status_code == 422
    assert complaint in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]
    assert len(answer.json()["detail"]) < 500


def test_fields_that_are_not_known_are_let_through_and_come_back(client: TestClient) -> None:
    state = {**first_state("square8_2p"), "somethingElse": {"deep": [1, 2]}}
    state["players"][0]["rating"] = 1500
    after = play_on(client, state, ask(client, state)["move"])
    assert after["somethingElse"] == {"deep": [1, 2]}
    assert after["players"][0]["rating"] == 1500


def test_an_illegal_move_is_called_so_with_the_reason(client: TestClient) -> None:
    state = first_state("square8_2p")
    move = {"type": "move_stack", "player": 1, "from": {"x": 0, "y": 0}, "to": {"x": 0, "y": 3}}
    answer = client.post("/rules/evaluate_move", json={"game_state": state, "move": move}).json()
    assert not answer["valid"]
    assert "not legal for player 1 in phase ring_placement" in answer["reason"]


def test_the_second_player_swaps_only_where_the_first_is_better(client: TestClient) -> None:
    state = first_state("square8_2p", swap_rule=True)
    while state["currentPlayer"] == 1:
        state = play_on(client, state, ask(client, state, difficulty=4)["move"])
    answer = ask(client, state, difficulty=4)
    stays = copy.deepcopy(state) | {"rulesOptions": {"swapRuleEnabled": False}}
    value = ask(client, stays, difficulty=4)["evaluation"]
    assert (answer["move"]["type"] == "swap_sides") == (value < 0)
    assert answer["evaluation"] == pytest.approx(abs(value))


def test_clients_at_once_get_what_each_would_get_alone(client: TestClient, context: WebContext) -> None:
    place_model(context.models, "square8_2p", seed=3)
    states = [first_state("square8_2p")]
    for seed in range(15):
        states.append(play_on(client, states[-1], ask(client, states[-1], seed=seed)["move"]))

    def answer(number: int) -> Json:
        return ask(client, states[number % len(states)], ai_type="gumbel", seed=number)

    alone = [answer(number) for number in range(24)]
    client.app.state.service.pool.clear()  # type: ignore[attr-defined]
    with ThreadPoolExecutor(24) as pool:
        together = list(pool.map(answer, range(24)))
    for one, other in zip(alone, together, strict=True):
        assert one["move"] == other["move"]
        assert one["evaluation"] == pytest.approx(other["evaluation"], abs=1e-5)


def with_settings(context: WebContext, **changes: Any) -> TestClient:
    service = context.settings.service.model_copy(update=changes)
    context.settings = context.settings.model_copy(update={"service": service})
    return TestClient(create_app(context, open_guards()))


def test_a_search_ends_when_its_time_is_over(context: WebContext) -> None:
    modes = {"minimax": "minimax?nodes=1000000000", "puct": "puct:heuristic@2000", "descent": "descent:heuristic@2000"}
    client = with_settings(context, move_seconds=0.05, modes=modes)
    for mode in modes:
        assert ask(client, first_state("square8_2p"), ai_type=mode)["move"]["type"] == "place_ring"


def test_what_cannot_wait_is_refused_for_now(context: WebContext) -> None:
    client = with_settings(context, most_waiting=1, move_seconds=5, modes={"slow": "puct:heuristic@2000"})
    state = first_state("square8_2p")

    def status(_: int) -> int:
        request = {"game_state": state, "player_number": 1, "ai_type": "slow"}
        return client.post("/ai/move", json=request).status_code

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(status, range(6)))
    assert set(found) == {200, 503}


def test_players_that_are_too_many_are_let_go(context: WebContext) -> None:
    client = with_settings(context, loaded_players=2)
    for level in (1, 2, 3, 4, 1):
        ask(client, first_state("square8_2p"), difficulty=level)
    assert client.get("/ai/cache/stats").json()["loaded_players"] == 2


def test_only_who_has_the_key_clears_what_is_loaded(context: WebContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RINGRIFT_ADMIN_KEY", raising=False)
    client = TestClient(create_app(context, open_guards()))
    assert client.delete("/ai/cache", headers={"X-Admin-Key": ""}).status_code == 403
    monkeypatch.setenv("RINGRIFT_ADMIN_KEY", ADMIN_KEY)
    client = TestClient(create_app(context, open_guards()))
    ask(client, first_state("square8_2p"))
    assert client.delete("/ai/cache").status_code == 403
    assert client.delete("/ai/cache", headers={"X-Admin-Key": "another"}).status_code == 403
    cleared = client.delete("/ai/cache", headers={"X-Admin-Key": ADMIN_KEY})
    assert cleared.json()["loaded_players"] == 1
    assert ask(client, first_state("square8_2p"))["move"] is not None


def test_the_service_tells_how_it_is(client: TestClient, context: WebContext) -> None:
    place_model(context.models, "hex8_2p", seed=1)
    health = client.get("/health").json()
    assert health["status"] == "ready"
    assert [config for config, model in health["models"].items() if model] == ["hex8_2p"]
    levels = client.get("/internal/ladder/health").json()
    assert levels.keys() == set(CONFIGS)
    assert levels["square8_2p"][0] == {"level": 1, "ai_type": "random", "available": True, "detail": ""}
    ask(client, first_state("square8_2p"))
    metrics = client.get("/metrics").text
    assert 'ringrift_web_requests_total{route="/ai/move",status="200"} 1.0' in metrics
    assert client.get("/").json()["name"] == "RingRift"
    assert "/ai/moves_batch" in client.get("/docs").text


def test_without_a_database_the_games_are_not_there_yet(client: TestClient) -> None:
    assert client.get("/api/replay/games").status_code == 503


def test_a_model_that_is_gone_leaves_the_heuristic(client: TestClient, context: WebContext) -> None:
    path = place_model(context.models, "square8_2p", seed=1)
    assert ask(client, first_state("square8_2p"), ai_type="policy")["use_neural_net"]
    shutil.rmtree(path.parent)
    assert not ask(client, first_state("square8_2p"), ai_type="policy")["use_neural_net"]
