"""What is learned: the losses, pure functions of what a network says and of what turned out.

Axes: B samples, L legal actions of all of them, R known replies, P players, H × W the image of the board.

All losses are sums over samples divided by how many samples of the kind there are in B *on average over the data set* –
a constant, so that parts of a batch, on one or several devices, add up to the loss of the whole.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ringrift.datasets.loader import Batch
from ringrift.training.network import Outputs, rows_of
from ringrift.training.settings import LossSettings


class Losses(NamedTuple):
    """Means over the samples of a batch, as scalar tensors; `total` is what is minimised."""

    total: Tensor
    policy: Tensor
    """Nats. With `kl`, 0 is a policy like the search's."""
    value: Tensor
    """Mean squared error over the players."""
    reply: Tensor
    ownership: Tensor
    moves_left: Tensor
    entropy: Tensor
    """Of the network's policy over the legal actions, nats."""
    accuracy: Tensor
    """Share of the samples with a policy where both think the same action best."""


class PolicyKind(NamedTuple):
    """What is compared with a policy, and how many samples have one."""

    kl: bool
    """The whole policy of the search; else its best action."""
    share: float
    """Of all samples."""


def choose_policy(settings: LossSettings, samples: int, policies: int) -> PolicyKind:
    """What to learn of a data set with so many samples, of which so many have a policy."""
    share = policies / max(samples, 1)
    enough = share >= settings.coverage and policies >= settings.policies
    return PolicyKind(settings.policy == "kl" or (settings.policy == "auto" and enough), share)


def log_softmax(logits: Tensor, rows: Tensor, count: int) -> Tensor:
    """The logarithms of the shares within each of `count` rows: `[L]` of `[L]` logits."""
    top = logits.new_full((count,), -torch.inf).scatter_reduce(0, rows, logits.detach(), "amax")
    shifted = logits - top[rows]
    return shifted - logits.new_zeros(count).index_add(0, rows, shifted.exp()).log()[rows]


def row_sums(entries: Tensor, rows: Tensor, count: int) -> Tensor:
    """The sums of the entries of each row: `[count]`."""
    return entries.new_zeros(count).index_add(0, rows, entries)


def policy_losses(
    logits: Tensor, shares: Tensor, rows: Tensor, count: int, *, kl: bool, smoothing: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, entropy and agreement of every row: three `[count]`.

    The loss is KL(target ‖ policy), the target being the shares, or all on the largest of them, and with smoothing s
    (1 − s) × that + s × equal shares. Rows without shares have no loss. Without shares or with several largest ones the
    best action is the first.
    """
    logs = log_softmax(logits, rows, count)
    positions = torch.arange(len(rows), device=rows.device)

    def best(entries: Tensor) -> Tensor:
        top = entries.new_full((count,), -torch.inf).scatter_reduce(0, rows, entries, "amax")
        first = torch.where(entries == top[rows], positions, len(rows))
        return torch.full((count,), len(rows), device=rows.device).scatter_reduce(0, rows, first, "amin")

    known = row_sums(shares, rows, count) > 0
    wanted, found = best(shares), best(logits.detach())
    target = shares if kl else (positions == wanted[rows]).to(shares) * known[rows]
    if smoothing:
        sizes = row_sums(torch.ones_like(shares), rows, count)
        target = torch.where(known[rows], (1 - smoothing) * target + smoothing / sizes[rows], 0.0)
    loss = row_sums(torch.special.xlogy(target, target) - target * logs, rows, count)
    entropy = -row_sums(logs.exp() * logs, rows, count)
    return loss, entropy, (wanted == found) & known


def losses(outputs: Outputs, batch: Batch, settings: LossSettings, kind: PolicyKind, cells: Tensor) -> Losses:
    """All losses of a batch; `cells` float32 `[H × W]` is 1 on the cells of the board."""
    count = len(batch.values)
    rows = rows_of(batch.policy_offsets)
    policy, entropy, agreed = policy_losses(
        outputs.policy, batch.policy_probs, rows, count, kl=kind.kl, smoothing=settings.smoothing
    )
    targets = 1 / (count * max(kind.share, 1 / count))  # one over the number of policies that a batch has on average
    learned = batch.has_policy.to(policy)
    policy_loss = (policy * learned).sum() * targets

    searched = (batch.root_values != 0).any(1, keepdim=True)
    mixed = torch.lerp(batch.values, batch.root_values, settings.root_value)
    value_loss = functional.mse_loss(outputs.values, torch.where(searched, mixed, batch.values))

    reply_rows = rows_of(batch.opponent_policy_offsets)
    reply_logs = outputs.reply.log_softmax(1)[reply_rows, batch.opponent_policy_actions.long()]
    reply = (
        torch.special.xlogy(batch.opponent_policy_probs, batch.opponent_policy_probs)
        - batch.opponent_policy_probs * reply_logs
    ).sum()
    reply_loss = reply * targets

    ownership = functional.cross_entropy(outputs.ownership, batch.ownership.long().flatten(1), reduction="none")
    owners_loss = (ownership * cells).sum() / (count * cells.sum())
    plies_loss = functional.huber_loss(outputs.moves_left, batch.moves_left.to(policy).log1p())

    entropy_mean = (entropy * learned).sum() * targets
    total = (
        policy_loss
        + settings.value * value_loss
        + settings.reply * reply_loss
        + settings.ownership * owners_loss
        + settings.moves_left * plies_loss
        - settings.entropy_bonus * entropy_mean
    )
    accuracy = (agreed * learned).sum() * targets
    return Losses(total, policy_loss, value_loss, reply_loss, owners_loss, plies_loss, entropy_mean, accuracy)
