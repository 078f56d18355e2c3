"""The engine and the plain reading of the rules play the same games: do they agree at every step?

    python -m tests.game.second_opinion --seconds 600

plays random games and games at rare spots on every config, and says how many steps agreed.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ringrift.game import Game, configs
from tests.game import plain_rules, plain_state
from tests.game.rare_spots import rare_choice, rare_position

Choice = Callable[[Sequence[str]], str]


class Disagreement(AssertionError):
    """The engine and the plain reading part ways."""


def agree(game: Game, choose: Choice, steps: int, seen: Counter[str] | None = None) -> int:
    """Play on for some steps or to the end, comparing legal actions and positions; the steps played.

    `seen` counts the kinds of actions that were legal.
    """
    plain = plain_state.read(game.state(), game.board.name, game.players)
    for number in range(steps + 1):
        legal = dict(zip(game.keys(), game.legal_actions().tolist(), strict=True))
        expected = plain_rules.legal(plain).keys()
        _check(game, number, "legal actions", set(expected), set(legal))
        if seen is not None:
            seen.update({key.split()[0] for key in legal})
        if game.is_over or number == steps:
            break
        key = choose(sorted(legal))
        game.play(legal[key])
        plain = plain_rules.play(plain, key)
        state, expected_state = _comparable(game.state()), plain_state.write(plain)
        for name, value in expected_state.items():
            _check(game, number, f"`{name}` after {key}", value, state[name])
        assert state.keys() == expected_state.keys()
    result = game.result()
    _check(game, number, "winner and reason", (plain.winner, plain.reason), (result.winner, result.reason))
    if result.winner:
        _check(game, number, "ranks", plain_rules.ranks(plain), result.ranks)
    return number


def _check(game: Game, number: int, what: str, expected: Any, found: Any) -> None:
    if expected != found:
        if isinstance(expected, set):
            what, expected, found = f"only one of both has these {what}", expected - found, found - expected
        raise Disagreement(
            f"step {number} of {game.config}: {what}: by the page {expected}, by the engine {found}\n{game}"
        )


def _comparable(state: dict[str, Any]) -> dict[str, Any]:
    """A state without the cells that a capture chain has left behind it, which no rule asks for."""
    chain = state["chain"]
    return state | {"chain": chain and {"at": chain["at"], "player": chain["player"]}}


def random_game(board: str, players: int, seed: int, steps: int, seen: Counter[str] | None = None) -> int:
    """Compare a random game from the standard start, two-player games with the pie rule."""
    rng = np.random.default_rng(seed)
    return agree(Game(board, players, swap_rule=players == 2), lambda keys: str(rng.choice(keys)), steps, seen)


def rare_game(board: str, players: int, seed: int, steps: int, seen: Counter[str] | None = None) -> int:
    """Compare a game that begins at a rare spot and seeks others."""
    rng = np.random.default_rng(seed)
    return agree(rare_position(board, players, seed), lambda keys: rare_choice(keys, rng), steps, seen)


def main() -> None:
    """Compare until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of the first game")
    options = parser.parse_args()
    steps: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    end = time.monotonic() + options.seconds
    for seed in itertools.count(options.seed):
        for board, players in configs():
            play = random_game if seed % 4 == 0 else rare_game
            try:
                steps[f"{board}_{players}p"] += play(board, players, seed, 60 if play is rare_game else 400, seen)
            except Disagreement as error:
                raise SystemExit(f"seed {seed}, {play.__name__}: {error}") from None
        if time.monotonic() > end:
            break
    print(f"{steps.total():,} steps agreed, from seed {options.seed} to {seed}")
    print(", ".join(f"{config} {count:,}" for config, count in steps.items()))
    print("positions by kind of legal action:", ", ".join(f"{kind} {count:,}" for kind, count in seen.most_common()))


if __name__ == "__main__":
    main()
