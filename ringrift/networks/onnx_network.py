"""Networks on CPUs by ONNX Runtime, which beats torch most in small batches: see `docs/results/cores.md`."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import onnxruntime
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, RuntimeException

from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I32, I64, U8
from ringrift.networks.onnx_graph import onnx_graph
from ringrift.networks.residual import Heads, ResidualNetwork

ROWS_PER_THREAD: Final = 32
"""The most positions at once. A core's caches hold no more: of 256, each took `small` 1.5 times as long as of 64."""
QUIET: Final = 4
"""The level of ONNX Runtime's log without warnings, and without errors, which it raises as well."""
_OUT_OF_MEMORY: Final = ("Failed to allocate memory", "bad_alloc", "bad allocation")


class PolicyLayer(NamedTuple):
    """The last layer of the policy head, which a search needs for its legal actions alone."""

    weights: F32
    """`[planes, K]`."""
    biases: F32
    """`[planes]`."""
    pixels: I64
    """The index of every cell in the flattened image, `[cells]`."""


@compiled
def legal_logits(hidden: F32, scalars: F32, layer: PolicyLayer, offsets: I64, actions: I32, logits: F32) -> None:
    """Write the logits of legal actions `[L]`, as `PolicyHead.chosen`, from `hidden` `[B, H × W, K]` and `scalars`.

    Those of position b are `actions[offsets[b] - offsets[0] : offsets[b + 1] - offsets[0]]`.
    """
    planes, channels = layer.weights.shape
    cells = len(layer.pixels)
    for row in range(len(offsets) - 1):
        for place in range(offsets[row] - offsets[0], offsets[row + 1] - offsets[0]):
            plane, cell = divmod(actions[place], cells)
            if plane >= planes:  # an action without a cell
                logits[place] = scalars[row, actions[place] - planes * cells]
                continue
            pixel = layer.pixels[cell]
            logit = layer.biases[plane]
            for channel in range(channels):
                logit += hidden[row, pixel, channel] * layer.weights[plane, channel]
            logits[place] = logit


class OnnxNetwork:
    """A network for inference on a CPU in float32: the same answers as torch's, up to rounding.

    It computes with as many threads as torch has when it is made. What a row answers depends neither on the threads nor
    on the other rows, to the last bit.
    """

    def __init__(self, network: ResidualNetwork) -> None:
        """Take the weights of a network that `inference_copy` has made, in float32."""
        threads = torch.get_num_threads()
        self.max_batch = ROWS_PER_THREAD * threads
        options = onnxruntime.SessionOptions()
        options.log_severity_level = QUIET
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.force_spinning_stop", "1")  # threads leave their cores after a batch
        graph = onnx_graph(network).SerializeToString()
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        policy = network.policy
        self._layer = PolicyLayer(policy.maps.weight.numpy(), policy.maps.bias.numpy(), policy.pixels.numpy())

    def evaluate(self, features: U8, globals_: F32, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Return logits of legal actions `[L]` and values `[B, P]`, as `InferenceSession.evaluate`.

        `offsets` may begin anywhere: `actions[0]` is the first action of the first position.
        """
        inputs = {"features": features, "globals": globals_}
        try:
            hidden, scalars, values = self._session.run(Heads._fields, inputs)
        except (Fail, RuntimeException) as error:
            if not any(sign in str(error) for sign in _OUT_OF_MEMORY):
                raise
            raise MemoryError(str(error)) from error
        logits = np.empty(len(actions), np.float32)
        legal_logits(hidden, scalars, self._layer, offsets, actions, logits)
        return logits, values
