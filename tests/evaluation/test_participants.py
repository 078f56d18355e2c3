"""Players with names that last, and where models are found."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ringrift.agents import BadSpec, champion
from ringrift.agents.champion import find_promoted
from ringrift.evaluation.participants import (
    OtherPlayer,
    check_same_player,
    find_predecessor,
    model_participant,
    participant,
)
from ringrift.heuristic import frozen_weights, save_weights, weights_id, write_weights
from ringrift.networks import (
    ARCHITECTURES,
    Architecture,
    MissingModel,
    NetworkConfig,
    build_network,
    read_id,
    save_model,
)
from ringrift.nnue import read_network, shipped_network

CONFIG = "square8_2p"


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURES, "tiny", Architecture(channels=8, blocks=1, squeeze=False, head_channels=4))


def saved(path: Path, seed: int, parent: str | None = None) -> Path:
    """A model that is not like one of another seed."""
    torch.manual_seed(seed)
    save_model(path, build_network(NetworkConfig.of("tiny", "square8", 2)), {"training": {"parent": parent}})
    return path


def test_a_model_is_named_by_its_id_wherever_it_lies(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.pth", 1)
    identity = read_id(path)
    player = model_participant(path, "gumbel@32?noise=1")
    assert (player.name, player.spec) == (f"gumbel:{identity}@32?noise=1", f"gumbel:{path}@32?noise=1")
    assert participant(f"policy:{path}", CONFIG).name == f"policy:{identity}"
    assert player.has_model


@pytest.mark.parametrize("spec", ["random", "puct@8", "gumbel:heuristic@64?weights=v1", "heuristic:v1?temperature=2"])
def test_a_player_without_a_model_is_named_by_its_spec(spec: str) -> None:
    assert (participant(spec, CONFIG).name, participant(spec, CONFIG).has_model) == (spec, False)


@pytest.mark.parametrize("form", ["heuristic:{}?temperature=1", "minimax?nodes=1000&weights={}"])
def test_weights_of_a_file_are_named_by_what_they_are(form: str, tmp_path: Path) -> None:
    """So that games are not taken for those of other weights that once stood in the same file."""
    path = tmp_path / "mine.yaml"
    write_weights(path, frozen_weights(), "As they were.")
    player = participant(form.format(path), CONFIG)
    assert (player.name, player.spec) == (form.format(f"w{weights_id(frozen_weights())}"), form.format(path))
    assert not player.has_model
    write_weights(path, frozen_weights() * 2, "Twice as much.")
    assert participant(form.format(path), CONFIG).name != player.name


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("heuristic?temperature=1", "heuristic:{}?temperature=1"),
        ("minimax?nodes=1000", "minimax?nodes=1000&weights={}"),
        ("gumbel:heuristic@8", "gumbel:heuristic@8?weights={}"),
        ("mixed:2xheuristic,random", "mixed:2xheuristic:{},1xrandom"),
    ],
)
def test_weights_in_use_are_named_by_what_they_are(
    spec: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Better ones are put in use now and then, and are another player."""
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path))
    for scale in (1, 2):
        save_weights(CONFIG, frozen_weights() * scale, "Of a test.", tmp_path / "heuristic")
        player = participant(spec, CONFIG)
        assert (player.name, player.spec) == (name.format(f"w{weights_id(frozen_weights() * scale)}"), spec)


def test_models_of_the_package_are_named_by_their_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of the package may bring along others."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(champion, "SHIPPED", tmp_path)
    identity = read_id(saved(tmp_path / f"{CONFIG}.pth", 1))
    assert participant("gumbel:{shipped}@32", CONFIG).name == f"gumbel:shipped-{identity}@32"
    network = read_network(shipped_network(CONFIG)).id
    for spec, name in {
        "minimax:nnue-shipped?nodes=100": f"minimax:nnue-{network}?nodes=100",
        "gumbel:nnue@8": f"gumbel:nnue-{network}@8",
        "nnue?nodes=100": f"nnue:nnue-{network}?nodes=100",
    }.items():
        assert participant(spec, CONFIG).name == name


@pytest.mark.parametrize("spec", ["heuristic", "minimax:nnue@1", "gumbel:{shipped}@2", "mixed:heuristic,random"])
def test_a_host_refuses_a_player_that_is_another_one_there(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its games would count for weights or a network that did not play."""
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path))
    player = participant(spec, CONFIG)
    check_same_player(player, CONFIG)
    with pytest.raises(OtherPlayer, match=re.escape(f"is {player.name} here, and not {player.name}0")):
        check_same_player(replace(player, name=f"{player.name}0"), CONFIG)


@pytest.mark.parametrize("as_", ["policy:other.pth", "mixed:random", "gumbel@none"])
def test_a_model_plays_in_one_way(as_: str, tmp_path: Path) -> None:
    with pytest.raises(BadSpec):
        model_participant(tmp_path / "model.pth", as_)


def test_the_champion_is_found_also_if_half_of_it_is_gone(tmp_path: Path) -> None:
    assert find_promoted(tmp_path, CONFIG) is None
    path = saved(tmp_path / f"ringrift_best_{CONFIG}.pth", 1)
    assert find_promoted(tmp_path, CONFIG) == path
    path.with_suffix(".json").unlink()
    with pytest.raises(MissingModel, match="not found, so ringrift_best"):
        model_participant(find_promoted(tmp_path, CONFIG) or Path(), "policy")


def test_a_model_is_to_be_better_than_the_champion_and_that_than_its_parent(tmp_path: Path) -> None:
    parent = saved(tmp_path / CONFIG / "aaaa.pth", 1)
    champion = saved(tmp_path / CONFIG / "champion.pth", 2, parent="aaaa")
    other = saved(tmp_path / CONFIG / "other.pth", 3, parent="bbbb")
    assert find_predecessor(tmp_path, CONFIG, other) is None
    saved(tmp_path / f"ringrift_best_{CONFIG}.pth", 2, parent="aaaa")
    assert find_predecessor(tmp_path, CONFIG, other) == tmp_path / f"ringrift_best_{CONFIG}.pth"
    assert find_predecessor(tmp_path, CONFIG, champion) == parent
