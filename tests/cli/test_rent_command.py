"""`ringrift hosts rent` with the EC2 that moto plays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws
from typer.testing import CliRunner, Result

from ringrift.cli import app
from ringrift.errors import RingRiftError
from ringrift.fleet.rentals import Rentals
from ringrift.game_database import GamesDatabase
from tests.fleet.rented import settings_of_rent

Rent = Callable[..., Result]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("ec2", region_name="us-east-1")


@pytest.fixture
def rent(client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rent:
    image = client.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    key = settings_of_rent(tmp_path).key
    aws = {"image": image, "type": "t3.micro", "spot": False, "price_per_hour": 0.4}
    rent = {"provider": "aws", "budget_per_hour": 0.9, "backlog": {"games_per_hour": 200}, "key": key, "aws": aws}
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path))
    monkeypatch.setenv("RINGRIFT_DATABASE", str(tmp_path / "games.db"))
    (tmp_path / "config").mkdir()

    def run(*words: str, **changes: Any) -> Result:
        (tmp_path / "config" / "rent.yaml").write_text(yaml.safe_dump(rent | changes))
        return CliRunner().invoke(app, ["hosts", "rent", *words])

    return run


def running(client: Any) -> int:
    states = {"Name": "instance-state-name", "Values": ["pending", "running"]}
    return sum(len(one["Instances"]) for one in client.describe_instances(Filters=[states])["Reservations"])


def test_missing_games_are_worth_hosts_within_the_budget(rent: Rent, client: Any, tmp_path: Path) -> None:
    told = rent("--dry-run")
    assert told.exit_code == 0, told.output
    assert "would be done" in told.stdout
    assert running(client) == 0
    found = json.loads(rent("--json").stdout)
    assert [one["verb"] for one in found["decisions"]] == ["order", "order"]
    assert found["dollars_per_hour"] == pytest.approx(0.8)
    assert "2 at $0.40 an hour fit into the budget of $0.90" in found["wanted"]
    assert running(client) == 2
    with GamesDatabase(str(tmp_path / "games.db")) as database:
        assert {one.state for one in Rentals(database).open()} == {"ordered"}


def test_all_are_given_back_and_orphans_with_them(rent: Rent, client: Any, tmp_path: Path) -> None:
    rent("--hosts", "1")
    assert running(client) == 1
    (tmp_path / "games.db").unlink()  # whoever has rented it is forgotten
    done = rent("--end")
    assert done.exit_code == 0, done.output
    assert "end orphan" in done.stderr
    assert running(client) == 0


@pytest.mark.parametrize(
    ("words", "changes", "said"),
    [
        ((), {"budget_per_hour": 0}, "budget_per_hour: input should be greater than 0"),
        ((), {"provider": "gcp"}, "provider: input should be 'aws'"),
        ((), {"provider": None}, "provider: null rents nothing"),
        (("--end", "--hosts", "1"), {}, "say one"),
        ((), {"key": "/nowhere/key"}, "/nowhere/key.pub: cannot be read"),
    ],
)
def test_wrong_use_is_one_line(rent: Rent, words: tuple[str, ...], changes: dict[str, Any], said: str) -> None:
    done = rent(*words, **changes)
    assert isinstance(done.exception, RingRiftError), done.output
    assert said in str(done.exception)
    assert "\n" not in str(done.exception)
