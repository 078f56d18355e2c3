"""The newest model of a config, as the store knows it: by lineage and registration, never by times of files.

Models of tuning do not count: they were made to measure hyper-parameters.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ringrift.agents.champion import find_promoted
from ringrift.datasets import open_dataset
from ringrift.datasets.manifest import dataset_name
from ringrift.errors import RingRiftError
from ringrift.evaluation.participants import UnknownModel
from ringrift.models.store import ModelStore, StoredModel

if TYPE_CHECKING:
    from ringrift.training import TrainingInputs

_log = logging.getLogger(__name__)


def newest_model(store: ModelStore, config: str) -> Path:
    """Return the file of the newest model that has one, else of the champion; `UnknownModel` if there is neither."""
    own = (model for model in store.listed(config) if not model.is_experiment)
    kept = (store.path(model) for model in own if model.pruned is None)
    newest = next((path for path in kept if path.is_file()), None) or find_promoted(store.folder, config)
    if newest is None:
        raise UnknownModel(f"{config}: no model is registered yet, and there is no champion: train one first")
    return newest


def newest_parent(store: ModelStore, inputs: TrainingInputs) -> Path | None:
    """Return the newest model that a training can start from, with its architecture; None if there is none.

    A newer model that cannot be started from is passed over, with a warning that says why. So is, without a warning, a
    model that has learned from the very same data set, as it comes from such a training itself: another call, after a
    crash for example, returns the same parent, and so leads to the same run and the same model.
    """
    dataset = open_dataset(inputs.datasets / dataset_name(inputs.config, "training"))
    _warn_of_strays(store, inputs.config)
    for model in store.listed(inputs.config):
        if model.pruned is not None or not model.training or model.is_experiment:
            continue
        if _learned(model) == dataset.identity:
            continue
        wrong = _obstacle(store, model, inputs.hyper.network, dataset.manifest.encoder)
        if wrong is None:
            return store.path(model)
        _log.warning("model %s is passed over as a start: %s", model.id, wrong)
    return None


def _learned(model: StoredModel) -> object:
    """Return the identity of the data set that a model has learned from; None if that is not known."""
    dataset = model.training.get("dataset")
    return dataset.get("identity") if isinstance(dataset, dict) else None


def _obstacle(store: ModelStore, model: StoredModel, architecture: str, features: str) -> str | None:
    """Return why a training cannot start from a model; None if it can."""
    from ringrift.networks import read_info  # late: torch is slow to import

    if (fault := store.fault(model)) is not None:
        return fault
    try:
        network = read_info(store.path(model)).network
    except RingRiftError as error:
        return str(error)
    if network.architecture != architecture:
        return f"it is a {network.architecture}, the training is of a {architecture}"
    if network.features != features:
        return f"its features are {network.features}, those of the data set {features}"
    return None


def _warn_of_strays(store: ModelStore, config: str) -> None:
    """Warn of model files that the store does not know, and so cannot place."""
    known = {store.path(model) for model in store.listed(config)}
    for path in sorted((store.folder / config).glob("*.pth")):
        if path not in known:
            _log.warning("%s is passed over as a start: `ringrift models register` takes it into the store", path)
