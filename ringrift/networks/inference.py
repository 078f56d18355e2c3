"""Inference for searches: from positions and their legal actions to logits and values."""

from __future__ import annotations

import logging
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from ringrift.errors import RingRiftError
from ringrift.networks.device_queue import DeviceQueue, queue_of
from ringrift.networks.devices import inference_type, is_out_of_memory
from ringrift.networks.fused import CudnnConvolutions, fuse
from ringrift.networks.onnx_network import OnnxNetwork
from ringrift.networks.residual import CellMask, ConvolutionNorm, Heads, ResidualNetwork

ROW_BLOCK: Final = 4
"""Batches for torch are padded to a multiple of this, so that rows do not depend on how many they are."""
MAX_BATCH: Final = 1024
"""The most positions at once where a device does not name its sizes."""
_log = logging.getLogger(__name__)


class DeviceOutOfMemory(RingRiftError):
    """A device that does not even hold the smallest batch of a network."""


def inference_copy(network: ResidualNetwork, dtype: torch.dtype, memory_format: torch.memory_format) -> ResidualNetwork:
    """Return a copy for inference: norms folded, convolutions in `dtype`, dense layers in float32.

    Casting once is what autocast would do anew for every batch.
    """
    copy = deepcopy(network).eval().requires_grad_(False)
    for module in copy.modules():
        if isinstance(module, ConvolutionNorm):
            module.fold()
    for module in copy.modules():
        if isinstance(module, nn.Conv2d | CellMask):
            module.to(dtype)
    copy.stem.scale = copy.stem.scale.to(dtype, memory_format=memory_format)
    convert_conv2d_weight_memory_format(copy, memory_format)
    return copy


class Inputs(NamedTuple):
    """The inputs of a batch, in memory of the host or of the device."""

    features: Tensor
    """uint8 `[rows, planes, H, W]`."""
    globals: Tensor
    """float32 `[rows, G]`."""
    offsets: Tensor
    """int64 `[rows + 1]`."""
    actions: Tensor
    """int32 `[L]`."""

    def first(self, rows: int, actions: int) -> Inputs:
        """Return the part that holds `rows` positions and `actions` legal actions."""
        return Inputs(self.features[:rows], self.globals[:rows], self.offsets[: rows + 1], self.actions[:actions])


class InferenceBuffers:
    """The memory of one batch on its way: inputs on the host and on the device, and outputs on the host.

    An encoder writes into `features` and `globals` itself, so that nothing is copied before the device copies it.
    """

    def __init__(self, inputs: Inputs, device: Inputs, logits: Tensor, values: Tensor) -> None:
        self.inputs = inputs
        self.device = device
        self.logits = logits
        """float32 `[L]`."""
        self.values = values
        """float32 `[rows, P]`."""
        self.features: npt.NDArray[np.uint8] = inputs.features.numpy()
        """`[rows, planes, H, W]`, to be written before the batch begins."""
        self.globals: npt.NDArray[np.float32] = inputs.globals.numpy()
        """`[rows, G]`, likewise."""

    def hold(self, rows: int, actions: int) -> bool:
        """Return whether a batch of `rows` rows and `actions` legal actions has room."""
        return rows <= len(self.features) and actions <= len(self.inputs.actions)


Evaluated = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Logits of the legal actions `[L]`, and values `[B, P]`."""
Pending = Callable[[], Evaluated]
"""A function, to be called once, that waits for a batch and returns what came out."""


class InferenceSession:
    """A network on a device, prepared for inference.

    `reserve` memory, let the encoder write into it, `begin`, and call what that returns when the answer is needed: in
    the meantime other batches may begin. `evaluate` does all of that at once.

    CPUs compute with ONNX Runtime in float32 (`OnnxNetwork`); GPUs, and CPUs that multiply bfloat16 natively, where the
    two have not been compared, with torch. That depends on the machine alone, never on the batch.

    The same batch gives the same answer, bit for bit. What a row answers should not depend on the other rows either. On
    the CPUs measured it does not: neither on their number, nor on their order, nor on the threads. With torch it takes
    the padding to `ROW_BLOCK`; without it, matrix products add up in another order for 1 or 3 rows than for 4. GPU
    libraries choose their kernels by the size of the batch, so there expect it to hold up to rounding.

    CPUs split each layer over as many threads as `torch.get_num_threads()` was when the session was made. They wait for
    each other: let them have only cores on which nothing else computes at the same time; a single thread shares cores
    well.
    """

    def __init__(
        self,
        network: ResidualNetwork,
        *,
        device: str | torch.device = "cpu",
        max_batch: int | None = None,
        dtype: torch.dtype | None = None,
        compiled: bool = False,
        queue: DeviceQueue | None = None,
    ) -> None:
        """Copy the network to the device; later changes to its weights do not reach the copy.

        `max_batch` bounds the memory: larger batches are split. `dtype` is that of the convolutions, by default the
        fastest that the device has. `compiled` joins torch's small steps between convolutions with `torch.compile`; it
        needs a C++ compiler and some seconds at the first batch. `queue` is by default a new one of the device.
        """
        self.config = network.config
        self.queue = queue or queue_of(torch.device(device))
        self.device = self.queue.device
        self.dtype = dtype or inference_type(self.device)
        self._network = inference_copy(network, self.dtype, torch.channels_last).to(self.device)
        if self.device.type == "cuda":
            fuse(self._network, CudnnConvolutions())
        self.max_batch = max_batch or max(self.queue.batch_sizes, default=MAX_BATCH)
        """The most positions at once; it is halved when the memory of the device runs out."""
        heads = self._network.heads
        self._heads: Callable[[Tensor, Tensor], Heads] = torch.compile(heads, dynamic=True) if compiled else heads
        self._onnx: OnnxNetwork | None = None
        if self.device.type == "cpu" and self.dtype == torch.float32 and not (compiled or self.queue.batch_sizes):
            self._onnx = OnnxNetwork(self._network)
            self.max_batch = min(self.max_batch, self._onnx.max_batch)
        self._captured: dict[int, tuple[Inputs, Callable[[], Heads]]] = {}
        self._free: list[InferenceBuffers] = []
        self.queue.settle()

    def evaluate(
        self,
        features: npt.NDArray[np.uint8],
        globals_: npt.NDArray[np.float32],
        offsets: npt.NDArray[np.int64],
        actions: npt.NDArray[np.int32],
    ) -> Evaluated:
        """Return logits of legal actions, and values.

        `features` are `[B, planes, H, W]` and `globals_` `[B, G]`. The legal actions of position b are
        `actions[offsets[b] : offsets[b + 1]]`, with `offsets` `[B + 1]` and `actions` `[L]`. Returns logits `[L]`,
        aligned with `actions`, and values `[B, P]` from −1 to 1, where player 0 is the one to act in that position.
        """
        self._check(features, globals_, offsets, actions)
        buffers = self.reserve(len(features), len(actions))
        buffers.features[: len(features)] = features
        buffers.globals[: len(features)] = globals_
        logits, values = self.begin(buffers, len(features), offsets, actions)()
        return logits.copy(), values.copy()

    def reserve(self, rows: int, actions: int) -> InferenceBuffers:
        """Return memory for a batch that no other batch uses until what `begin` returns has been called."""
        for place, buffers in enumerate(self._free):
            if buffers.hold(rows, actions):
                return self._free.pop(place)
        if self._free:  # too small, and of no more use: batches grow to a size and stay there
            self._free.pop()
        return self._new_buffers(rows, actions + actions // 2)

    @torch.inference_mode()
    def begin(
        self,
        buffers: InferenceBuffers,
        rows: int,
        offsets: npt.NDArray[np.int64],
        actions: npt.NDArray[np.int32],
    ) -> Pending:
        """Begin with the first rows of `buffers`; what is returned waits, and gives the memory back.

        Nothing here waits. The arrays that come out are the caller's until the next batch is reserved.
        """
        legal = len(actions)
        inputs, queue = buffers.inputs, self.queue
        inputs.offsets.numpy()[: rows + 1] = offsets
        inputs.actions.numpy()[:legal] = actions
        queue.send(inputs.first(rows, legal), buffers.device.first(rows, legal))
        logits, values = [], []
        first = 0
        with queue.computing():
            while first < rows:
                last = min(first + self.max_batch, rows)
                span = slice(int(offsets[first]), int(offsets[last]))
                try:
                    part = self._compute(buffers.device, first, last, span)
                except Exception as error:
                    if not is_out_of_memory(error):
                        raise
                    self._halve(last - first)
                    continue
                logits.append(queue.fetch(part[0], buffers.logits[span]))
                values.append(queue.fetch(part[1], buffers.values[first:last]))
                first = last
        wait = queue.finish()

        def result() -> Evaluated:
            wait()
            self._free.append(buffers)
            return _joined(logits, buffers.logits), _joined(values, buffers.values)

        return result

    def _compute(self, inputs: Inputs, first: int, last: int, legal: slice) -> tuple[Tensor, Tensor]:
        """Return logits and values of the rows from `first` to `last`, on the device; `legal` are their actions."""
        if self._onnx is not None:
            parts = inputs.features[first:last], inputs.globals[first:last], inputs.offsets[first : last + 1]
            logits, values = self._onnx.evaluate(*(part.numpy() for part in (*parts, inputs.actions[legal])))
            return torch.from_numpy(logits), torch.from_numpy(values)
        size = self._padded(last - first)
        features, globals_ = inputs.features[first : first + size], inputs.globals[first : first + size]
        if self.queue.batch_sizes:
            fixed, run = self._capture(size)
            fixed.features[: len(features)].copy_(features)
            fixed.globals[: len(globals_)].copy_(globals_)
            heads = run()
        else:
            heads = self._heads(features.contiguous(memory_format=torch.channels_last), globals_)
        counts = inputs.offsets[first : last + 1].diff()
        rows = torch.repeat_interleave(counts, output_size=legal.stop - legal.start)
        actions = inputs.actions[legal].long()
        return self._network.policy.chosen(heads.hidden, heads.scalars, rows, actions), heads.values[: last - first]

    def _capture(self, size: int) -> tuple[Inputs, Callable[[], Heads]]:
        """Return memory for a batch of that size, and the network captured on it."""
        if size not in self._captured:
            fixed = self._on_device(self._new_inputs(size, 0))

            def run() -> Heads:
                return self._heads(fixed.features.contiguous(memory_format=torch.channels_last), fixed.globals)

            self._captured[size] = fixed, self.queue.capture(run)
        return self._captured[size]

    def _padded(self, rows: int) -> int:
        """Return how many rows are computed for `rows`: the next of the device's sizes, or of whole blocks."""
        sizes = (size for size in self.queue.batch_sizes if rows <= size)
        return next(sizes, rows + -rows % ROW_BLOCK)

    def _halve(self, rows: int) -> None:
        """Go on with smaller batches after memory has run out with `rows` rows."""
        smallest = min(self.queue.batch_sizes, default=ROW_BLOCK)
        if rows <= smallest:
            raise DeviceOutOfMemory(
                f"{self.device}: its memory does not hold {rows} positions of {self.config.architecture} at once: "
                "choose a smaller network, or end what else runs there"
            )
        self.max_batch = max(rows // 2, smallest)
        self._captured = {size: graph for size, graph in self._captured.items() if size <= self.max_batch}
        self.queue.release()
        _log.warning("%s: out of memory with %d positions at once; going on with %d", self.device, rows, self.max_batch)

    def _new_buffers(self, rows: int, actions: int) -> InferenceBuffers:
        """Allocate memory for a batch of `rows` rows, those that it is padded with included."""
        whole, rest = divmod(rows, self.max_batch)
        room = whole * self._padded(self.max_batch) + (self._padded(rest) if rest else 0)
        host, new = self._new_inputs(room, actions), self.queue.host_memory
        logits, values = new((actions,), torch.float32), new((room, self.config.players), torch.float32)
        return InferenceBuffers(host, self._on_device(host), logits, values)

    def _new_inputs(self, rows: int, actions: int) -> Inputs:
        """Allocate inputs on the host."""
        size, new = self.config.geometry.size, self.queue.host_memory
        return Inputs(
            features=new((rows, self.config.input_planes, size, size), torch.uint8),
            globals=new((rows, self.config.input_globals), torch.float32),
            offsets=new((rows + 1,), torch.int64),
            actions=new((actions,), torch.int32),
        )

    def _on_device(self, host: Inputs) -> Inputs:
        """Return memory of the device for such inputs."""
        return Inputs(*(self.queue.device_memory(part) for part in host))

    def _check(
        self,
        features: npt.NDArray[np.uint8],
        globals_: npt.NDArray[np.float32],
        offsets: npt.NDArray[np.int64],
        actions: npt.NDArray[np.int32],
    ) -> None:
        batch, size = len(features), self.config.geometry.size
        expected: dict[str, tuple[npt.NDArray[Any], type[np.generic], tuple[int, ...]]] = {
            "features": (features, np.uint8, (batch, self.config.input_planes, size, size)),
            "globals": (globals_, np.float32, (batch, self.config.input_globals)),
            "offsets": (offsets, np.int64, (batch + 1,)),
            "actions": (actions, np.int32, (int(offsets[-1]),)),
        }
        for name, (array, dtype, shape) in expected.items():
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(f"{name} are {array.dtype} {array.shape}, not {np.dtype(dtype)} {shape}")


def _joined(parts: list[Tensor], room: Tensor) -> npt.NDArray[np.float32]:
    """Return the parts of an output as one array; without any, as of `room` nothing."""
    if len(parts) == 1:
        return parts[0].numpy()
    return torch.cat([room[:0], *parts]).numpy()
