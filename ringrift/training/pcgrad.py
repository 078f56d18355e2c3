"""PCGrad: gradients of several losses that pull against each other, joined without the part that does harm.

Where the gradient of one loss has a negative product with that of another, a step along it would raise the other loss.
PCGrad takes that part out: it projects the gradient onto the plane that is normal to the other one (Yu et al. 2020,
"Gradient Surgery for Multi-Task Learning", arXiv:2001.06782, algorithm 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def pcgrad(gradients: Sequence[Tensor], rng: np.random.Generator) -> Tensor:
    """Join the gradients of T losses with respect to the N parameters that they share: `[N]`, in their type.

    `gradients` are T flat tensors `[N]`, each already multiplied by the weight of its loss: without any conflict the
    result is the gradient of the total loss. `rng` draws in which order each meets the others; made from seed and step,
    `np.random.default_rng((seed, step))`, it lets a resumed training go on as if it had never stopped.

    Each projected gradient is a combination of the given ones, so the T × T products between these decide everything:
    the parameters are read twice, whatever T is. All ranks of a distributed training need the same result, so give it
    gradients that have been averaged over the ranks already.
    """
    stacked = torch.stack(list(gradients))
    products = stacked @ stacked.T
    # Some T × T numbers, exactly, where the device has such numbers; on the device, so that no copy is waited for.
    exact = torch.float32 if stacked.device.type == "mps" else torch.float64
    return _factors(products.to(exact), rng).sum(0).to(stacked) @ stacked


def _factors(products: Tensor, rng: np.random.Generator) -> Tensor:
    """Return the factors of each projected gradient, `[T, T]`, a row for each, from the `products` of all pairs."""
    tasks = len(products)
    factors = torch.eye(tasks, dtype=products.dtype, device=products.device)
    for task in range(tasks):
        for other in rng.permutation(tasks).tolist():
            if other != task:
                along = factors[task] @ products[:, other]
                factors[task, other] -= torch.where(along < 0, along / products[other, other], 0.0)
    return factors
