"""The losses, pure functions of a network's output and of the targets.

Axes: B samples, L legal actions of all of them, R entries of the opponent's policies, P players, H × W the image of the
board.

All losses are sums over samples divided by the number of samples of the kind that B samples have *on average over the
data set* – a constant, so that parts of a batch, on one or several devices, add up to the loss of the whole.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ringrift.datasets.loader import Batch
from ringrift.training.network import TrainingOutputs, rows_of
from ringrift.training.settings import LossSettings


class Losses(NamedTuple):
    """Means over the samples of a batch, as scalar tensors; `total` is minimised."""

    total: Tensor
    policy: Tensor
    """Nats; with `kl`, 0 is the loss of a policy equal to the search's."""
    value: Tensor
    """The mean squared error over the players."""
    opponent_policy: Tensor
    """Nats."""
    ownership: Tensor
    """Nats, the cross entropy of a cell's owner."""
    moves_left: Tensor
    """The Huber loss of the logarithm of 1 + the moves until the end."""
    entropy: Tensor
    """Nats, the entropy of the network's policy over the legal actions."""
    accuracy: Tensor
    """The share of the samples with a policy where network and search think the same action best."""


class PolicyTarget(NamedTuple):
    """The target that policies are compared with, and the share of the samples that have one."""

    kl: bool
    """Whether it is the whole policy of the search; else it is its best action."""
    share: float
    """The share of all samples."""
    temperature: float = 1.0
    """The temperature at which policies are compared: that of the teachers, where a network is distilled."""
    softness: float = 1.0
    """The temperature of the target alone: it is the search's policy ** (1 / softness)."""


def choose_policy_target(settings: LossSettings, samples: int, policies: int) -> PolicyTarget:
    """Choose the target of a data set of `samples`, of which `policies` have a policy."""
    share = policies / max(samples, 1)
    enough = share >= settings.coverage and policies >= settings.policies
    return PolicyTarget(settings.policy == "kl" or (settings.policy == "auto" and enough), share)


def log_softmax(logits: Tensor, rows: Tensor, count: int) -> Tensor:
    """Return the log-probabilities within each of `count` rows: `[L]` of `[L]` logits."""
    top = logits.new_full((count,), -torch.inf).scatter_reduce(0, rows, logits.detach(), "amax")
    shifted = logits - top[rows]
    return shifted - logits.new_zeros(count).index_add(0, rows, shifted.exp()).log()[rows]


def row_sums(entries: Tensor, rows: Tensor, count: int) -> Tensor:
    """Return the sums of the entries of each row: `[count]`."""
    return entries.new_zeros(count).index_add(0, rows, entries)


def softened(probs: Tensor, rows: Tensor, count: int, temperature: float) -> Tensor:
    """Return policies ** (1 / temperature): `[L]` of `[L]`; rows without probabilities stay so."""
    powers = probs.pow(1 / temperature)
    return powers / row_sums(powers, rows, count).clamp_min(torch.finfo(powers.dtype).tiny)[rows]


def policy_losses(
    logits: Tensor, probs: Tensor, rows: Tensor, count: int, *, kl: bool, smoothing: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return loss, entropy and agreement of every row: three `[count]`.

    The loss is KL(target ‖ policy), the target being `probs`, or all on the largest of them, and with smoothing s
    (1 − s) × that + s × equal probabilities. Rows without probabilities have no loss. Without probabilities or with
    several largest ones the best action is the first.
    """
    logs = log_softmax(logits, rows, count)
    positions = torch.arange(len(rows), device=rows.device)

    def best(entries: Tensor) -> Tensor:
        top = entries.new_full((count,), -torch.inf).scatter_reduce(0, rows, entries, "amax")
        first = torch.where(entries == top[rows], positions, len(rows))
        return torch.full((count,), len(rows), device=rows.device).scatter_reduce(0, rows, first, "amin")

    known = row_sums(probs, rows, count) > 0
    wanted, chosen = best(probs), best(logits.detach())
    target = probs if kl else (positions == wanted[rows]).to(probs) * known[rows]
    if smoothing:
        sizes = row_sums(torch.ones_like(probs), rows, count)
        target = torch.where(known[rows], (1 - smoothing) * target + smoothing / sizes[rows], 0.0)
    loss = row_sums(torch.special.xlogy(target, target) - target * logs, rows, count)
    entropy = -row_sums(logs.exp() * logs, rows, count)
    return loss, entropy, (wanted == chosen) & known


def losses(
    outputs: TrainingOutputs, batch: Batch, settings: LossSettings, target: PolicyTarget, cells: Tensor
) -> Losses:
    """Return all losses of a batch; `cells` float32 `[H × W]` is 1 on the cells of the board."""
    count = len(batch.outcome_values)
    rows = rows_of(batch.policy_offsets, batch.policy_actions)
    probs = batch.policy_probs
    policy, entropy, agreed = policy_losses(
        outputs.policy_logits / target.temperature,
        probs if target.softness == 1 else softened(probs, rows, count, target.softness),
        rows,
        count,
        kl=target.kl,
        smoothing=settings.smoothing,
    )
    per_policy = 1 / (count * max(target.share, 1 / count))  # one over the policies that a batch has on average
    has_policy = batch.has_policy.to(policy)
    # Times the square of the temperature, by which gradients get smaller (Hinton, Vinyals, Dean 2015, section 2).
    policy_loss = (policy * has_policy).sum() * per_policy * target.temperature**2

    searched = (batch.root_values != 0).any(1, keepdim=True)
    mixed = torch.lerp(batch.outcome_values, batch.root_values, settings.root_value)
    value_loss = functional.mse_loss(outputs.values, torch.where(searched, mixed, batch.outcome_values))

    opponent_probs = batch.opponent_policy_probs
    opponent_rows = rows_of(batch.opponent_policy_offsets, opponent_probs)
    opponent_logs = outputs.opponent_policy_logits.log_softmax(1)[opponent_rows, batch.opponent_policy_actions.long()]
    opponent = (torch.special.xlogy(opponent_probs, opponent_probs) - opponent_probs * opponent_logs).sum()
    opponent_loss = opponent * per_policy

    owners = batch.ownership.long().flatten(1)
    ownership = functional.cross_entropy(outputs.ownership_logits, owners, reduction="none")
    ownership_loss = (ownership * cells).sum() / (count * cells.sum())
    moves_loss = functional.huber_loss(outputs.moves_left, batch.moves_left.to(policy).log1p())

    entropy_mean = (entropy * has_policy).sum() * per_policy
    total = (
        policy_loss
        + settings.value * value_loss
        + settings.opponent_policy * opponent_loss
        + settings.ownership * ownership_loss
        + settings.moves_left * moves_loss
        - settings.entropy_bonus * entropy_mean
    )
    accuracy = (agreed * has_policy).sum() * per_policy
    return Losses(total, policy_loss, value_loss, opponent_loss, ownership_loss, moves_loss, entropy_mean, accuracy)
