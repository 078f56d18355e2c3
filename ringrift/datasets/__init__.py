"""Games as arrays to learn from: shards on disk, and the loader that streams them.

The loader needs torch, so it is imported by itself: `from ringrift.datasets.loader import Loader`.
"""

from __future__ import annotations

from ringrift.datasets.errors import DamagedDataset, MissingDataset, WrongPosition
from ringrift.datasets.shards import Dataset, Manifest, Shard, ShardInfo, open_dataset, open_shard, read_manifest

__all__ = [
    "DamagedDataset",
    "Dataset",
    "Manifest",
    "MissingDataset",
    "Shard",
    "ShardInfo",
    "WrongPosition",
    "open_dataset",
    "open_shard",
    "read_manifest",
]
