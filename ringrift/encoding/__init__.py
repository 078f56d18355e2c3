"""A state as network input, the value of an outcome, and the symmetries of both images and policy.

People use `encode_batch`; searches may call the kernel of a `FeatureVersion` on their own threads.
"""

from __future__ import annotations

from ringrift.encoding.batch import encode_batch, new_batch
from ringrift.encoding.features import FEATURE_VERSIONS, FeatureVersion, UnknownVersion, feature_version
from ringrift.encoding.symmetries import Symmetries, pixel_tables, symmetries, transform_row, transform_rows
from ringrift.encoding.values import outcome_values, outcomes, rank_values, to_absolute, to_relative

__all__ = [
    "FEATURE_VERSIONS",
    "FeatureVersion",
    "Symmetries",
    "UnknownVersion",
    "encode_batch",
    "feature_version",
    "new_batch",
    "outcome_values",
    "outcomes",
    "pixel_tables",
    "rank_values",
    "symmetries",
    "to_absolute",
    "to_relative",
    "transform_row",
    "transform_rows",
]
