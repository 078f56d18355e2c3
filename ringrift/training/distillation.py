"""Distillation: a network learns the soft policies and the values of others (Hinton, Vinyals, Dean 2015).

Teachers look at the very samples that the student sees. Both policies are taken at a temperature: at 2 the actions that
a teacher thinks unlikely still say how unlikely. Of several teachers the means are learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ringrift.datasets.loader import Batch
from ringrift.datasets.manifest import Manifest
from ringrift.networks import InferenceSession, WrongModel, load_model
from ringrift.training.losses import log_softmax
from ringrift.training.network import rows_of


@dataclass(frozen=True)
class Distillation:
    """Whose policies and values are learned in place of those of the games."""

    teachers: tuple[Path, ...]
    temperature: float


class Teachers:
    """Networks, ready to say what they think of a batch."""

    def __init__(self, sessions: Sequence[InferenceSession], temperature: float) -> None:
        self.sessions = sessions
        self.temperature = temperature

    @classmethod
    def load(cls, distillation: Distillation, manifest: Manifest, device: torch.device) -> Teachers:
        """Load the teachers of a data set; `WrongModel` names one of another config or encoding."""
        layout, sessions = manifest.layout, []
        for path in distillation.teachers:
            network = load_model(path, board=layout.board.name, players=layout.players)
            if network.config.features != manifest.encoder:
                raise WrongModel(
                    f"{path}: the teacher reads features {network.config.features}, and the data set has "
                    f"{manifest.encoder}: export it with its encoder (datasets.yaml: encoder)"
                )
            sessions.append(InferenceSession(network, device=device))
        return cls(sessions, distillation.temperature)

    def taught(self, batch: Batch) -> Batch:
        """Return a batch in the CPU's memory with the teachers' mean policies and values as targets."""
        inputs = [part.numpy() for part in (batch.features, batch.globals, batch.policy_offsets, batch.policy_actions)]
        rows, count = rows_of(batch.policy_offsets, batch.policy_actions), len(batch.outcome_values)
        probs, values = torch.zeros(len(rows)), torch.zeros_like(batch.outcome_values)
        for session in self.sessions:
            logits, own_values = session.evaluate(*inputs)
            probs += log_softmax(torch.from_numpy(logits) / self.temperature, rows, count).exp()
            values += torch.from_numpy(own_values)
        share = 1 / len(self.sessions)
        return batch._replace(
            policy_probs=probs * share, root_values=values * share, has_policy=torch.ones_like(batch.has_policy)
        )
