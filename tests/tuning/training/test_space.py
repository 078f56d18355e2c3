from __future__ import annotations

import numpy as np
import pytest

from ringrift.settings import BadSettings
from ringrift.training import hyper_parameters
from ringrift.tuning.settings import tuning_settings
from ringrift.tuning.training.errors import BadSearch
from ringrift.tuning.training.space import FitnessKind, make_space, parsed_dimensions

BASE = hyper_parameters("square8_2p", "laptop")


def test_the_space_of_the_settings_is_sound() -> None:
    space = make_space(BASE, tuning_settings().hyperparameters.space, "loss")
    assert space.hyper(space.start) == BASE


def test_values_that_are_drawn_are_hyper_parameters_and_stay_in_their_ranges() -> None:
    words = ["learning_rate=1e-3..1e-2:log", "batch=64,128", "patience=2..9"]
    space = make_space(BASE, parsed_dimensions(words), "elo")
    for seed in range(50):
        values = space.draw(np.random.default_rng(seed))
        hyper = space.hyper(values)
        assert 1e-3 <= hyper.learning_rate <= 1e-2
        assert hyper.batch in (64, 128, 256), "the one in use is always among the choices"
        assert isinstance(hyper.patience, int)
        assert 2 <= hyper.patience <= 15, "the range reaches to the one in use"


def test_a_group_keeps_what_is_not_searched() -> None:
    space = make_space(BASE, parsed_dimensions(["losses.value=0.5..2"]), "loss")
    assert space.hyper({"losses.value": 1.5}).losses.model_dump() == BASE.losses.model_dump() | {"value": 1.5}


def test_a_value_is_moved_within_its_range_and_a_choice_to_its_neighbour() -> None:
    space = make_space(BASE, parsed_dimensions(["learning_rate=1e-3..1e-2:log", "batch=64,128,256"]), "loss")
    assert space.moved("learning_rate", 4e-3, 1.25) == pytest.approx(5e-3)
    assert space.moved("learning_rate", 9e-3, 1.25) == 1e-2
    assert space.moved("batch", 128, 0.8) == 64
    assert space.moved("batch", 64, 0.8) == 64


@pytest.mark.parametrize(
    ("words", "fitness", "complaint"),
    [
        ("learning_rat=1e-4..1e-2", "loss", "'learning_rat': unknown; did you mean 'learning_rate'?"),
        ("losses.valu=1..2", "loss", "did you mean 'losses.value'?"),
        ("dropout=0..1.5", "loss", "dropout: input should be less than 1"),
        ("batch=64,many", "loss", "batch: input should be a valid integer"),
        ("learning_rate=0..1:log", "loss", "a logarithmic scale begins above 0"),
        ("learning_rate=2..1", "loss", "low (2) is not below high (1)"),
        ("learning_rate=a..b", "loss", "'a' is no number"),
        ("learning_rate=1..2:cube", "loss", "the scale is log or nothing"),
        ("learning_rate", "loss", "the form is name=low..high"),
        ("batch=64", "loss", "two choices or more"),
        ("network=1..2", "elo", "has no range; name choices"),
        ("losses.root_value=0..1", "loss", "losses cannot be compared; use --fitness elo"),
        ("epochs=1..9", "loss", "use --fitness elo"),
        ("seed=1..9", "elo", "is needed by the search"),
    ],
)
def test_what_cannot_be_searched_is_one_line(words: str, fitness: FitnessKind, complaint: str) -> None:
    with pytest.raises((BadSearch, BadSettings)) as error:
        make_space(BASE, parsed_dimensions([words]), fitness)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)
