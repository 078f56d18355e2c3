"""Files of integer networks: what is written is read, and what is not whole or not for us is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ringrift.game import configs, get_board
from ringrift.nnue import BadNnue, find_network, promoted_network, read_network, read_nnue_id, write_network
from ringrift.nnue.batch import network_scores
from tests.nnue.networks import random_network
from tests.search.parts import positions

CONFIG = "hex8_2p"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nnue") / "one.nnue"
    write_network(path, CONFIG, random_network(get_board("hex8")), {"training": {"games": 7}})
    return path


@pytest.mark.parametrize(("board", "players"), configs())
def test_a_network_plays_the_same_after_writing_and_reading(board: str, players: int, tmp_path: Path) -> None:
    network = random_network(get_board(board))
    identity = write_network(tmp_path / "x.nnue", f"{board}_{players}p", network)
    read = read_network(tmp_path / "x.nnue", f"{board}_{players}p")
    states = positions(board, players, 4, 40)
    scores = [network_scores(get_board(board), players, one, states) for one in (network, read.network)]
    assert (scores[0] == scores[1]).all()
    assert read.id == identity == read_nnue_id(tmp_path / "x.nnue")


def test_the_description_is_kept(written: Path) -> None:
    assert read_network(written).description["extra"] == {"training": {"games": 7}}


def cut(content: bytes) -> bytes:
    return content[:-1000]


def flipped(content: bytes) -> bytes:
    return content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]


def other_version(content: bytes) -> bytes:
    return content[:6] + b"99" + content[8:]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (cut, "cut off or altered"),
        (flipped, "cut off or altered"),
        (other_version, "is of version '99'"),
        (lambda _: b"", "no integer network"),
        (lambda _: b"RRNNUE01", "cut off or altered"),
        (lambda _: b"PK\x03\x04 something else", "no integer network"),
    ],
    ids=["cut", "flipped", "other version", "empty", "nothing but the magic", "another format"],
)
def test_a_spoilt_file_is_refused_in_one_line(
    spoil: Callable[[bytes], bytes], message: str, written: Path, tmp_path: Path
) -> None:
    path = tmp_path / "spoilt.nnue"
    path.write_bytes(spoil(written.read_bytes()))
    with pytest.raises(BadNnue, match=message) as error:
        read_network(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_network_of_another_config_is_refused(written: Path) -> None:
    with pytest.raises(BadNnue, match="is a network for hex8_2p, not for square8_2p"):
        read_network(written, "square8_2p")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadNnue, match=r"none\.nnue: no such file"):
        read_network(tmp_path / "none.nnue")


def test_the_promoted_network_goes_before_the_one_of_the_package(tmp_path: Path) -> None:
    path = promoted_network(tmp_path, CONFIG)
    write_network(path, CONFIG, random_network(get_board("hex8"), seed=1))
    assert find_network(CONFIG, tmp_path) == path


def test_where_there_is_no_network_the_error_says_what_makes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringrift.nnue.file.SHIPPED", tmp_path)
    with pytest.raises(BadNnue, match="ringrift train-nnue hex8_2p"):
        find_network(CONFIG, tmp_path)


def test_the_rows_that_a_config_leaves_out_are_never_set(tmp_path: Path) -> None:
    network = random_network(get_board("hex8"))
    write_network(tmp_path / "x.nnue", CONFIG, network)
    kept = read_network(tmp_path / "x.nnue").network["features"]
    assert 0 < (kept != network["features"]).any(1).mean() < 1
    assert np.isin(kept, [*network["features"].ravel(), 0]).all()
