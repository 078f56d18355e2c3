"""`{best}` in a player's spec: the promoted model, else the champion of the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.agents import MissingChampion, champion, champion_file, make_agent, promoted_model
from ringrift.agents.champion import SHIPPED, with_shipped
from ringrift.game import parse_config
from ringrift.networks import load_model, save_model
from tests.models.making import network

CONFIG = "hex8_2p"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(champion, "SHIPPED", tmp_path / "package")
    path = tmp_path / "package" / f"{CONFIG}.pth"
    save_model(path, network(CONFIG, 1, "small"))
    return path


def test_the_promoted_model_goes_before_the_one_of_the_package(shipped: Path) -> None:
    models = Path("models")
    assert champion_file(models, CONFIG) == shipped
    save_model(promoted_model(models, CONFIG), network(CONFIG, 2, "small"))
    assert champion_file(models, CONFIG) == promoted_model(models, CONFIG)


def test_a_promoted_model_of_which_a_file_is_missing_is_not_passed_over(shipped: Path) -> None:
    path = promoted_model(Path("models"), CONFIG)
    save_model(path, network(CONFIG, 2, "small"))
    path.unlink()
    assert champion_file(Path("models"), CONFIG) == path


def test_a_player_is_made_of_it(shipped: Path) -> None:
    board, players = parse_config(CONFIG)
    assert make_agent("policy:{best}?temperature=0", board, players) is not None


def test_where_there_is_none_one_line_says_what_makes_one(shipped: Path) -> None:
    board, players = parse_config("square8_3p")
    with pytest.raises(MissingChampion, match=r"no champion of square8_3p in models .*`ringrift loop square8_3p`"):
        make_agent("gumbel:{best}@4", board, players)


def test_the_one_of_the_package_can_be_named_whatever_is_promoted(shipped: Path) -> None:
    save_model(promoted_model(Path("models"), CONFIG), network(CONFIG, 2, "small"))
    assert with_shipped("mixed:gumbel:{shipped}@4,random", CONFIG) == f"mixed:gumbel:{shipped}@4,random"
    assert make_agent("policy:{shipped}?temperature=0", *parse_config(CONFIG)) is not None
    with pytest.raises(MissingChampion, match="no champion of square8_3p comes with the package"):
        make_agent("gumbel:{shipped}@4", *parse_config("square8_3p"))


def test_what_is_shipped_can_be_read() -> None:
    for path in SHIPPED.glob("*.pth"):
        board, players = parse_config(path.stem)
        load_model(path, board=board.name, players=players)
