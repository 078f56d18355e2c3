"""The strength of a network that is still learning: games of its policy against the heuristic, to stop early."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from math import log10
from pathlib import Path

import torch

from ringrift.agents import FROZEN_HEURISTIC
from ringrift.evaluation.gauntlet import mean_score
from ringrift.evaluation.matches import PLIES_OF_A_TURN, MatchPlan, make_players, play_match
from ringrift.evaluation.results import GameResult
from ringrift.game import parse_config
from ringrift.limits import move_limit
from ringrift.networks import ResidualNetwork, save_model
from ringrift.training.distributed import ProcessGroup
from ringrift.training.trainer import Strength


def strength_against_heuristic(config: str, games: int) -> Strength:
    """Return a measure of the Elo over the heuristic, from at least `games` games in whole openings, always the same.

    The network plays its best action without a search. A score of 0 or 1 counts as half a game less extreme. Several
    processes play openings of their own.
    """
    seats = parse_config(config)[1]

    def strength(network: ResidualNetwork, group: ProcessGroup) -> float:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.pth"
            save_model(path, network)
            player = f"policy:{path}?temperature=0"
            plan = MatchPlan(config, (player, FROZEN_HEURISTIC), 1, PLIES_OF_A_TURN * seats, move_limit(config))
            plan = replace(plan, openings=-(-games // (plan.games * group.size)), seed=group.rank)
            results = [
                GameResult(tuple(plan.players[agent] for agent in played.scheduled.seating), played.ranks, "", 0)
                for played in play_match(make_players(plan), plan)
            ]
        least = 0.5 / (len(results) * group.size)
        score = group.mean(torch.tensor(mean_score(results, player), device=group.device)).item()
        score = min(max(score, least), 1 - least)
        return 400 * log10(score / (1 - score))

    return strength
