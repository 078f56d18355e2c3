"""AlphaZero on one page: self-play by Gumbel search, a residual network, training, and a match after every iteration.

    python examples/minimal_alphazero.py [--config hex8_3p] [--iterations 20]

The engine, the encoding and the search are the library's; what learns stands here. Policy targets are the improved
policies of the search (Danihelka et al. 2022), value targets the values of the final ranks, one for each player.
"""

import argparse
from collections import deque

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ringrift.agents import make_agent
from ringrift.encoding import feature_version, to_relative
from ringrift.environments import VectorEnvironment
from ringrift.game import parse_config
from ringrift.game.actions import SCALAR_ACTIONS, first_planes
from ringrift.search import GumbelSearch, NetworkEvaluator

VERSION = feature_version("v2")


class Network(nn.Module):
    """f(position) = (logits of all actions, values of all players): a small residual tower with two heads."""

    def __init__(self, config, channels=48, blocks=3):
        super().__init__()
        board, players = parse_config(config)
        r = board.radius
        self.cells = torch.tensor([(x + r) * board.size + y + r for x, y, *_ in board.coordinates])
        self.scale = torch.from_numpy(VERSION.scales[board.name].copy()).view(1, -1, 1, 1)
        self.stem = nn.Conv2d(len(VERSION.planes), channels, 3, padding=1)
        self.globals = nn.Linear(len(VERSION.globals), channels)
        sizes = {"in_channels": channels, "out_channels": channels, "kernel_size": 3, "padding": 1}
        layers = ((nn.Conv2d(**sizes), nn.BatchNorm2d(channels)) for _ in range(2 * blocks))
        self.tower = nn.ModuleList(nn.Sequential(*one, nn.ReLU(), *other) for one, other in zip(layers, layers))
        self.policy = nn.Conv2d(channels, first_planes(board).end, 1)  # action = plane × cells + cell; then the scalars
        self.scalars = nn.Linear(channels, SCALAR_ACTIONS)
        self.value = nn.Sequential(nn.Conv2d(channels, 8, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * board.size**2, 64))
        self.values = nn.Linear(64, players)

    def forward(self, features, globals):
        """Map `[B, C, H, W]` and `[B, G]` to logits `[B, policy]` and values `[B, players]`."""
        x = torch.relu(self.stem(features / self.scale) + self.globals(globals)[:, :, None, None])
        for block in self.tower:
            x = torch.relu(x + block(x))
        planes = self.policy(x).flatten(2)[:, :, self.cells].flatten(1)
        return torch.cat([planes, self.scalars(x.mean((2, 3)))], 1), torch.tanh(self.values(torch.relu(self.value(x))))

    @torch.inference_mode()
    def evaluate(self, features, globals_, offsets, actions):
        """Answer a search: the logits of the legal actions of all positions in a row, and values."""
        logits, values = self(torch.from_numpy(features), torch.from_numpy(globals_))
        rows = np.repeat(np.arange(len(features)), np.diff(offsets))
        return logits.numpy()[rows, actions], values.numpy()


def play(config, games, act):
    """Play games side by side to their ends; return the values of their outcomes, `[games, players]` by seat."""
    env = VectorEnvironment(config, games, max_moves=400)
    seen, values, running = env.reset(), np.zeros((games, env.players), np.float32), np.ones(games, bool)
    while running.any():
        actions = seen.action_mask.argmax(1)  # where it is the only one, or the game has ended and another begun
        rows = np.flatnonzero(running & (seen.action_mask.sum(1) > 1))
        if len(rows):
            actions[rows] = act(env.states[rows], rows, seen)
        step = env.step(actions)
        values[running] = step.rewards[running]  # 0 as long as a game runs
        seen, running = step.observation, running & ~(step.terminated | step.truncated)
    return values


def self_play(search, config, games):
    """Play games of the search against itself; every choice is a sample: features, globals, actions, policy, values."""
    drafts = []

    def act(states, rows, seen):
        output = search.run(states, rows)
        for row, game in enumerate(rows):
            part = slice(output.policy_offsets[row], output.policy_offsets[row + 1])
            policy = output.policy_actions[part].astype(np.int64), output.policy_probs[part]
            drafts.append((game, seen.players[game], seen.features[game], seen.globals[game], *policy))
        return output.chosen_actions

    values = play(config, games, act)
    return [(*sample, to_relative(values[game], player)) for game, player, *sample in drafts]


def train(network, optimiser, samples, steps, batch=128):
    """Minimise the cross entropy of the policy plus the squared error of the values; return the mean loss."""
    losses = []
    for _ in range(steps):
        drawn = [samples[index] for index in np.random.randint(len(samples), size=batch)]
        features, globals, actions, policies, values = zip(*drawn)
        logits, predicted = network(torch.tensor(np.stack(features)), torch.tensor(np.stack(globals)))
        target = torch.zeros_like(logits)
        for row, legal, policy in zip(target, actions, policies):
            row[torch.tensor(legal)] = torch.tensor(policy)
        loss = functional.cross_entropy(logits, target) + functional.mse_loss(predicted, torch.tensor(np.stack(values)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return np.mean(losses)


def score(search, config, opponent, games):
    """Play from every seat in turn against an opponent on all others; return the share of the points, 0 … 1."""
    board, players = parse_config(config)
    agent, seats = make_agent(opponent, board, players, seed=1), np.arange(games) % players + 1

    def act(states, rows, seen):
        ours, actions = seen.players[rows] == seats[rows], np.zeros(len(rows), np.int32)
        for choose, part in ((search.run, ours), (agent.act, ~ours)):
            if part.any():
                actions[part] = choose(states[part], rows[part]).chosen_actions
        return actions

    return (1 + play(config, games, act)[np.arange(games), seats - 1].mean()) / 2


def main(words=None):
    """Play, train and measure, again and again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="square8_2p")
    for name, default in {"iterations": 8, "games": 96, "simulations": 24, "steps": 150, "match": 40}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(words)
    torch.manual_seed(0)
    np.random.seed(0)
    network, window, game = Network(options.config).eval(), deque(maxlen=20_000), parse_config(options.config)
    evaluator = NetworkEvaluator.of_function(*game, VERSION, network.evaluate, random_symmetry=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)
    for iteration in range(options.iterations):
        search = GumbelSearch(*game, evaluator, simulations=options.simulations, seed=iteration)
        window += self_play(search, options.config, options.games)
        loss = train(network.train(), optimiser, window, options.steps)
        network.eval()
        player = GumbelSearch(*game, evaluator, simulations=options.simulations, noise=False)
        random, heuristic = (score(player, options.config, name, options.match) for name in ("random", "heuristic"))
        scores = f"against random {random:.0%}, against heuristic {heuristic:.0%}"
        print(f"iteration {iteration}: {len(window):,} samples, loss {loss:.2f}, {scores}", flush=True)


if __name__ == "__main__":
    main()
