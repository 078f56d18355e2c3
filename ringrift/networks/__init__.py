"""Neural networks that map a position to a policy and a value per player.

People build a `ResidualNetwork` from a `NetworkConfig` and keep it with `save_model` and `load_model`; searches ask an
`InferenceSession`.
"""

from __future__ import annotations

from ringrift.networks.config import ARCHITECTURES, Architecture, NetworkConfig
from ringrift.networks.devices import checked_device, device_name, inference_device, inference_type
from ringrift.networks.errors import DamagedModel, MissingModel, WrongModel
from ringrift.networks.factory import build_network, flops, parameter_count
from ringrift.networks.inference import InferenceSession, inference_copy
from ringrift.networks.model_file import ModelInfo, add_model, load_model, read_id, read_info, save_model
from ringrift.networks.residual import Heads, Output, ResidualNetwork

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "DamagedModel",
    "Heads",
    "InferenceSession",
    "MissingModel",
    "ModelInfo",
    "NetworkConfig",
    "Output",
    "ResidualNetwork",
    "WrongModel",
    "add_model",
    "build_network",
    "checked_device",
    "device_name",
    "flops",
    "inference_copy",
    "inference_device",
    "inference_type",
    "load_model",
    "parameter_count",
    "read_id",
    "read_info",
    "save_model",
]
