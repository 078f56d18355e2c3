"""Players by their one-line names: what is understood, what is refused, and that they play."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ringrift.agents import BadSpec, Spec, make_agent
from ringrift.energy import write_energy_network
from ringrift.errors import RingRiftError
from ringrift.game import get_board, new_states, new_workspace, step
from ringrift.game.state import GAME_OVER
from ringrift.networks import NetworkConfig, build_network, save_model
from ringrift.nnue import promoted_network, write_network
from tests.energy.networks import random_weights
from tests.nnue.networks import random_network


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "small.pth"
    save_model(path, build_network(NetworkConfig.of("small", "hex8", 3, "v1")))
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("networks") / "small.nnue"
    write_network(path, "hex8_3p", random_network(get_board("hex8")))
    return path


@pytest.fixture(scope="module")
def energies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("energies") / "small.ebmo"
    write_energy_network(path, "hex8_3p", random_weights(3))
    return path


def test_a_spec_is_taken_apart() -> None:
    spec = Spec.parse("gumbel:models/x.pth@150?temperature=1&noise=1")
    assert (spec.mode, spec.model, spec.budget) == ("gumbel", "models/x.pth", 150)
    assert spec.options == {"temperature": "1", "noise": "1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the form is mode"),
        ("Gumbel", "the form is mode"),
        (
            "dice",
            "unknown mode 'dice'; choose one of random, heuristic, minimax, maxn, paranoid, brs, descent, policy,",
        ),
        ("gumbel@many", "after @ stands a whole number above 0, not 'many'"),
        ("gumbel@0", "after @ stands a whole number above 0"),
        ("gumbel@8?temperature", "'temperature' is no option"),
        ("gumbel@8?temperature=1&temperature=2", "stands there twice"),
        ("gumbel@8?colour=red", "unknown option 'colour'; gumbel knows temperature, symmetry, noise, full, fast"),
        ("gumbel@8?temperature=warm", "temperature must be a number of at least 0, not 'warm'"),
        ("gumbel@8?temperature=-1", "temperature must be a number of at least 0"),
        ("gumbel@8?temperature=nan", "temperature must be a number of at least 0"),
        ("gumbel@8?full=2", "full must be above 0 and at most 1, fast a whole number from 1 to 8"),
        ("puct@8?fast=9", "fast a whole number from 1 to 8"),
        ("gumbel@8?reuse=1", "unknown option 'reuse'"),
        ("random@5", "random takes no number after @"),
        ("random:x.pth", "random takes no model"),
        ("minimax@4", "minimax is not for 3 players; choose maxn, paranoid or brs"),
        ("maxn@64", "a depth of at most 63"),
        ("maxn:x.pth", r"maxn evaluates with heuristic, nnue or a file \*\.nnue"),
        ("nnue:x.pth", r"nnue takes a file \*\.nnue"),
        ("maxn:x.nnue?weights=v1", "weights are the heuristic's"),
        ("policy@5", "policy takes no number after @"),
        ("ebmo", r"write ebmo:FILE\.ebmo"),
        ("ebmo:x.ebmo?restarts=0", "restarts are a whole number above 0"),
        ("ebmo:x.ebmo?steps=1.5", "steps a whole number"),
    ],
)
def test_a_wrong_spec_is_explained(text: str, message: str) -> None:
    with pytest.raises(BadSpec, match=message):
        make_agent(text, get_board("hex8"), 3)


@pytest.mark.parametrize(("board", "players"), [("hex8", 2), ("square8", 3)])
def test_a_model_for_another_game_is_refused(board: str, players: int, model: Path) -> None:
    with pytest.raises(RingRiftError, match="made for"):
        make_agent(f"policy:{model}", get_board(board), players)


def test_an_integer_network_for_another_game_is_refused(network: Path) -> None:
    with pytest.raises(RingRiftError, match="is a network for hex8_3p, not for hex8_2p"):
        make_agent(f"minimax:{network}@2", get_board("hex8"), 2)


def test_nnue_is_the_promoted_network_of_the_config(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringrift.agents.registry.MODELS", tmp_path)
    monkeypatch.setattr("ringrift.nnue.file.SHIPPED", tmp_path)
    with pytest.raises(RingRiftError, match="there is no integer network for hex8_3p"):
        make_agent("maxn:nnue@2", get_board("hex8"), 3)
    promoted_network(tmp_path, "hex8_3p").write_bytes(network.read_bytes())
    make_agent("maxn:nnue@2", get_board("hex8"), 3)


def test_a_missing_model_is_named() -> None:
    with pytest.raises(RingRiftError, match=r"nowhere\.pth"):
        make_agent("gumbel:nowhere.pth", get_board("hex8"), 3)


@pytest.mark.parametrize(
    "spec",
    [
        "random",
        "policy:MODEL",
        "policy:MODEL?temperature=0&symmetry=1",
        "gumbel:MODEL@8",
        "gumbel@8?noise=1",
        "puct:MODEL@8?temperature=1&noise=1&full=0.5&fast=4",
        "puct@8?temperature=1&noise=1&reuse=1",
        "puct:heuristic@8",
        "heuristic?temperature=1",
        "descent:heuristic@8?temperature=1",
        "maxn@1?temperature=1",
        "paranoid?nodes=200",
        "brs@2",
        "maxn:NETWORK@1",
        "brs:NETWORK?nodes=100",
        "nnue:NETWORK@1?temperature=1",
        "gumbel:NETWORK@8",
        "descent:NETWORK@4",
        "ebmo:ENERGIES?restarts=2&steps=10",
    ],
)
def test_games_are_played_and_depend_on_their_numbers_alone(
    spec: str, model: Path, network: Path, energies: Path
) -> None:
    board = get_board("hex8")

    def play(numbers: list[int]) -> list[bytes]:
        named = spec.replace("MODEL", str(model)).replace("NETWORK", str(network)).replace("ENERGIES", str(energies))
        agent = make_agent(named, board, 3, seed=4)
        games = np.array(numbers, np.int64)
        states = new_states(board, 3, len(games))
        work = new_workspace(board)
        for _ in range(30):
            for row, action in enumerate(agent.act(states, games).chosen_actions):
                step(states[row], int(action), board.tables, work)
        assert (states["phase"] != GAME_OVER).all()
        return [state.tobytes() for state in states]

    three = play([5, 6, 7])
    assert play([7, 5]) == [three[2], three[0]]
    # Without temperature and noise a search is one player that always plays the same.
    begins_at_random = spec in ("random", "policy:MODEL") or spec.startswith("ebmo:")
    varied = begins_at_random or "temperature=1" in spec or "noise=1" in spec
    assert (len(set(three)) == 3) == varied
