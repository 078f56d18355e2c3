"""Programs that search Connect Four: ours, and those that the field uses.

Each is prepared once, with its compilation, and then searches the positions after some moves `[positions, length]` (−1
after the last) again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.benchmarks.connect_four import COLUMNS, CONNECT_FOUR, INPUTS, positions
from ringrift.benchmarks.connect_four_evaluators import Rollouts, TinyNetwork, Weights, forward, random_weights
from ringrift.search import Evaluator, GumbelSearch, PuctSearch, UniformEvaluator

Moves = npt.NDArray[np.int32]
Run = Callable[[], object]
Program = Callable[[str, Moves, int, int], Run]
"""A function from evaluator, moves, simulations and positions in flight to the search of all positions."""


def _evaluator(name: str) -> Evaluator:
    if name == "network":
        return TinyNetwork(random_weights())
    return Rollouts() if name == "rollouts" else UniformEvaluator(2)


def _ours(kind: type[GumbelSearch | PuctSearch]) -> Program:
    def prepare(evaluator: str, moves: Moves, simulations: int, in_flight: int) -> Run:
        states = positions(moves)
        search = kind(CONNECT_FOUR, 2, _evaluator(evaluator), simulations=simulations)
        batches = [states[first : first + in_flight] for first in range(0, len(states), in_flight)]
        return lambda: [search.run(batch) for batch in batches]

    return prepare


def mctx_gumbel(evaluator: str, moves: Moves, simulations: int, in_flight: int) -> Run:
    """Gumbel MuZero of mctx with the game of pgx, put together as in the examples of pgx."""
    import jax

    batches = [pgx_states(moves[first : first + in_flight]) for first in range(0, len(moves), in_flight)]
    search = jax.jit(mctx_search(evaluator, simulations))
    keys = iter(range(1 << 31))

    def run() -> None:
        for batch in batches:
            jax.block_until_ready(search(jax.random.key(next(keys)), batch))

    return run


def pgx_states(moves: Moves) -> Any:
    """Return the positions as states of pgx."""
    import jax
    import pgx

    game = pgx.make("connect_four")
    step = jax.jit(jax.vmap(game.step))
    states = jax.vmap(game.init)(jax.random.split(jax.random.key(0), len(moves)))
    for columns in moves.T:
        after = step(states, np.maximum(columns, 0))
        played = columns >= 0
        states = jax.tree.map(
            lambda new, old: jax.vmap(jax.numpy.where)(played, new, old),  # noqa: B023 - called at once
            after,
            states,
        )
    return states


def mctx_search(evaluator: str, simulations: int, **settings: Any) -> Callable[[Any, Any], Any]:
    """Return a function from a random key and a batch of states to mctx's output."""
    import jax
    import jax.numpy as jnp
    import mctx
    import pgx

    step = jax.vmap(pgx.make("connect_four").step)
    weights = Weights(*(jnp.asarray(layer) for layer in random_weights()))

    def evaluate(states: Any) -> tuple[Any, Any]:
        count = len(states.current_player)
        if evaluator == "network":
            logits, values = forward(weights, states.observation.reshape(count, INPUTS).astype(jnp.float32), jnp)
        else:
            logits, values = jnp.zeros((count, COLUMNS)), jnp.zeros(count)
        legal = jnp.where(states.legal_action_mask, logits, jnp.finfo(logits.dtype).min)
        return legal, jnp.where(states.terminated, 0.0, values)

    def follow(_: Any, key: Any, actions: Any, states: Any) -> tuple[Any, Any]:
        after = step(states, actions)
        logits, values = evaluate(after)
        output = mctx.RecurrentFnOutput(
            reward=after.rewards[jnp.arange(len(actions)), states.current_player],
            discount=jnp.where(after.terminated, 0.0, -1.0),
            prior_logits=logits,
            value=values,
        )
        return output, after

    def search(key: Any, states: Any) -> Any:
        logits, values = evaluate(states)
        return mctx.gumbel_muzero_policy(
            params=(),
            rng_key=key,
            root=mctx.RootFnOutput(prior_logits=logits, value=values, embedding=states),
            recurrent_fn=follow,
            num_simulations=simulations,
            invalid_actions=~states.legal_action_mask,
            **settings,
        )

    return search


class OpenSpielEvaluator:
    """Priors and values as OpenSpiel's search in Python asks for them; answers are kept from value to prior."""

    def __init__(self, name: str) -> None:
        self.uniform = name == "uniform"
        self.weights = random_weights()
        self.known: dict[str, tuple[Any, float]] = {}

    def evaluate(self, state: Any) -> list[float]:
        """Return the values by seat."""
        if self.uniform:
            return [0.0, 0.0]
        value = self._answer(state)[1]
        return [value, -value] if state.current_player() == 0 else [-value, value]

    def prior(self, state: Any) -> list[tuple[int, float]]:
        """Return the prior of every legal column."""
        legal = state.legal_actions()
        shares = np.ones(len(legal)) if self.uniform else np.exp(self._answer(state)[0][legal])
        return list(zip(legal, (shares / shares.sum()).tolist(), strict=True))

    def _answer(self, state: Any) -> tuple[Any, float]:
        key = state.history_str()
        if key not in self.known:
            planes = np.array(state.observation_tensor(0), np.float32).reshape(3, -1, COLUMNS)[:2, ::-1]
            own = planes if state.current_player() == 0 else planes[::-1]
            logits, values = forward(self.weights, np.moveaxis(own, 0, -1).reshape(1, INPUTS))
            self.known[key] = logits[0], float(values[0])
        return self.known[key]


def openspiel_states(moves: Moves) -> list[Any]:
    """Return the positions as states of OpenSpiel."""
    import pyspiel

    game = pyspiel.load_game("connect_four")
    states = [game.new_initial_state() for _ in moves]
    for state, columns in zip(states, moves, strict=True):
        for column in columns[columns >= 0].tolist():
            state.apply_action(column)
    return states


def openspiel_python(evaluator: str, moves: Moves, simulations: int, in_flight: int) -> Run:
    """PUCT of OpenSpiel in Python, one position at a time."""
    from open_spiel.python.algorithms.mcts import MCTSBot, SearchNode

    states = openspiel_states(moves)

    def run() -> None:
        for state in states:
            MCTSBot(
                state.get_game(),
                1.25,
                simulations,
                OpenSpielEvaluator(evaluator),
                solve=False,
                child_selection_fn=SearchNode.puct_value,
            ).mcts_search(state)

    return run


def openspiel_compiled(evaluator: str, moves: Moves, simulations: int, in_flight: int) -> Run:
    """PUCT of OpenSpiel in C++, one position at a time; from Python it takes no evaluator but random games."""
    import pyspiel

    states = openspiel_states(moves)
    bot = pyspiel.MCTSBot(
        states[0].get_game(),
        pyspiel.RandomRolloutEvaluator(n_rollouts=1, seed=1),
        uct_c=1.25,
        max_simulations=simulations,
        max_memory_mb=1000,
        solve=False,
        seed=1,
        verbose=False,
        child_selection_policy=pyspiel.ChildSelectionPolicy.PUCT,
    )
    return lambda: [bot.mcts_search(state) for state in states]


OUR_GUMBEL: Final = "RingRift Gumbel"
OUR_PUCT: Final = "RingRift PUCT"
MCTX: Final = "mctx Gumbel"
OPENSPIEL: Final = "OpenSpiel PUCT in Python"
OPENSPIEL_COMPILED: Final = "OpenSpiel PUCT in C++"

PROGRAMS: Final[dict[str, Program]] = {
    OUR_GUMBEL: _ours(GumbelSearch),
    OUR_PUCT: _ours(PuctSearch),
    MCTX: mctx_gumbel,
    OPENSPIEL: openspiel_python,
    OPENSPIEL_COMPILED: openspiel_compiled,
}
