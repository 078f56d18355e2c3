"""One game as a PettingZoo environment in which the agents act in turn (AEC)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ringrift.encoding import encode_batch, feature_version, new_batch, rank_values
from ringrift.errors import RingRiftError
from ringrift.game import Game, parse_config, policy_size

try:
    from gymnasium import spaces
    from pettingzoo import AECEnv
except ImportError as error:
    raise RingRiftError(f"RingRiftEnv needs PettingZoo ({error}): pip install 'ringrift[environments]'") from None

Observation = dict[str, Any]


class RingRiftEnv(AECEnv):
    """A game of RingRift in PettingZoo's AEC API; the agents are `player_1`, `player_2`, … by seat.

    >>> env = RingRiftEnv("square8_2p")
    >>> env.reset(seed=1)
    >>> for agent in env.agent_iter():
    ...     observation, reward, terminated, truncated, _ = env.last()
    ...     over = terminated or truncated
    ...     env.step(None if over else env.action_space(agent).sample(observation["action_mask"]))

    Observations are dictionaries: `observation` holds `features` `[C, H, W]` (uint8) and `globals` `[G]` (float32) as
    the player to act sees the position (`docs/encoding.md`), `action_mask` `[policy]` (int8) has a 1 at every legal
    action. All agents observe the same, but only the one to act has legal actions. An agent may act several times
    running. Rewards are 0 until the end, and then the value of each rank, +1 for the first to −1 for the last
    (`rank_values`); a game that is stopped after `max_moves` moves is truncated and worth 0 to all.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "ringrift_v0", "render_modes": ["ansi"], "is_parallelizable": False}

    def __init__(
        self,
        config: str = "square8_2p",
        *,
        features: str = "v2",
        swap_rule: bool = False,
        max_moves: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Make an environment of a config; `swap_rule` is the pie rule. `UnknownConfig` if there is no such config."""
        super().__init__()
        board, players = parse_config(config)
        self._version = feature_version(features)
        self._game = Game(board.name, players, swap_rule=swap_rule, max_moves=max_moves)
        self._features, self._globals = new_batch(self._version, board, 1)
        self.render_mode = render_mode
        self.possible_agents = [f"player_{seat}" for seat in range(1, players + 1)]
        self.action_spaces = {agent: spaces.Discrete(policy_size(board)) for agent in self.possible_agents}
        self.observation_spaces = {agent: self._observation_space() for agent in self.possible_agents}

    def _observation_space(self) -> spaces.Dict:
        features, globals = self._features[0], self._globals[0]
        seen: dict[str, spaces.Space[Any]] = {
            "features": spaces.Box(0, 255, features.shape, np.uint8),
            "globals": spaces.Box(-np.inf, np.inf, globals.shape, np.float32),
        }
        mask = spaces.Box(0, 1, (policy_size(self._game.board),), np.int8)
        return spaces.Dict({"observation": spaces.Dict(seen), "action_mask": mask})

    def observation_space(self, agent: str) -> spaces.Space[Observation]:
        """Return the space that an agent's observations are in."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[np.int64]:
        """Return the policy indices of the board as a space."""
        return self.action_spaces[agent]

    @property
    def game(self) -> Game:
        """The game itself, for a look at it."""
        return self._game

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Start a new game. There is no chance in it, so `seed` changes nothing."""
        game = self._game
        self._game = Game(game.board.name, game.players, swap_rule=game.swap_rule, max_moves=game.max_moves)
        self.agents = list(self.possible_agents)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        self.agent_selection = self._agent_to_act()

    def _agent_to_act(self) -> str:
        return self.possible_agents[self._game.player - 1]

    def observe(self, agent: str) -> Observation:
        """Return what an agent observes now."""
        encode_batch(self._game._states, self._version, self._game.board, self._features, self._globals)
        mask = np.zeros(policy_size(self._game.board), np.int8)
        if agent == self.agent_selection:
            mask[self._game.legal_actions()] = 1
        seen = {"features": self._features[0].copy(), "globals": self._globals[0].copy()}
        return {"observation": seen, "action_mask": mask}

    def step(self, action: int | None) -> None:
        """Play an action of the agent that is selected; `IllegalAction` if the rules forbid it."""
        if self.terminations[self.agent_selection] or self.truncations[self.agent_selection]:
            self._was_dead_step(action)
            return
        agent = self.agent_selection
        self._game.play(action)  # type: ignore[arg-type]  # None is refused in words
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        if self._game.is_over:
            self._end()
        else:
            self.agent_selection = self._agent_to_act()
        self._accumulate_rewards()

    def _end(self) -> None:
        """Reward the ranks and end the game for all agents."""
        result = self._game.result()
        if result.ranks:
            self.rewards = dict(zip(self.agents, rank_values(result.ranks).tolist(), strict=True))
        ended = self.terminations if result.ranks else self.truncations
        ended.update(dict.fromkeys(self.agents, True))

    def render(self) -> str | None:
        """Return the position drawn as text, in the render mode `ansi`."""
        return str(self._game) if self.render_mode == "ansi" else None

    def close(self) -> None:
        """Do nothing: there is nothing open."""
