"""Machines of EC2, as moto, which plays it, has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ringrift.fleet.ec2 import TAG, Ec2
from ringrift.fleet.provider import NothingToRent, Order, ProviderTrouble
from ringrift.fleet.rent_settings import AwsSettings, rent_settings

ORDER = Order("rented-1", "ssh-ed25519 AAAAuser", "private", "ssh-ed25519 AAAAhost")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("ec2", region_name="us-east-1")


def settings(client: Any, **changes: Any) -> AwsSettings:
    image = client.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    return rent_settings().aws.model_copy(update={"image": image, "type": "t3.micro"} | changes)


def test_a_machine_is_started_listed_and_ended(aws: Any) -> None:
    ec2 = Ec2(settings(aws), "ours", 1.0)
    assert list(ec2.machines()) == []
    identity = ec2.start(ORDER)
    (found,) = ec2.machines()
    assert (found.identity, found.name, found.state) == (identity, "rented-1", "running")
    assert found.address
    ec2.end(identity)
    assert list(ec2.machines()) == []
    ec2.end(identity)
    ec2.end("i-0123456789abcdef0")


def test_machines_of_others_are_none_of_ours(aws: Any) -> None:
    Ec2(settings(aws), "theirs", 1.0).start(ORDER)
    assert list(Ec2(settings(aws), "ours", 1.0).machines()) == []


def test_a_machine_ends_for_good_with_its_disk_and_knows_its_keys(aws: Any) -> None:
    ec2 = Ec2(settings(aws, disk_gb=17), "ours", 1.0)
    identity = ec2.start(ORDER)
    (reservation,) = aws.describe_instances(InstanceIds=[identity])["Reservations"]
    (instance,) = reservation["Instances"]
    assert instance["InstanceLifecycle"] == "spot"
    assert {"Key": TAG, "Value": "ours"} in instance["Tags"]
    said = aws.describe_instance_attribute(InstanceId=identity, Attribute="instanceInitiatedShutdownBehavior")
    assert said["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"
    (disk,) = aws.describe_volumes(Filters=[{"Name": f"tag:{TAG}", "Values": ["ours"]}])["Volumes"]
    assert disk["Size"] == 17
    config = json.loads(ORDER.cloud_config().removeprefix("#cloud-config\n"))
    assert config["ssh_keys"] == {"ed25519_private": "private", "ed25519_public": "ssh-ed25519 AAAAhost"}
    assert config["ssh_authorized_keys"] == ["ssh-ed25519 AAAAuser"]


def test_a_stopped_machine_is_listed_because_it_costs(aws: Any) -> None:
    ec2 = Ec2(settings(aws), "ours", 1.0)
    aws.stop_instances(InstanceIds=[ec2.start(ORDER)])
    (found,) = ec2.machines()
    assert found.state == "stopped"


def test_the_market_or_the_list_says_the_price(aws: Any) -> None:
    assert Ec2(settings(aws), "ours", 1.0).price() > 0
    assert Ec2(settings(aws, spot=False, price_per_hour=0.35), "ours", 1.0).price() == 0.35


def test_what_goes_wrong_is_one_line(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProviderTrouble, match=r"^aws: InvalidAMIID\.\w+: [^\n]*$"):
        Ec2(settings(aws, image="ami-0123456789abcdef0"), "ours", 1.0).start(ORDER)
    ec2 = Ec2(settings(aws), "ours", 1.0)
    monkeypatch.setattr(ec2._client, "run_instances", refuse)
    with pytest.raises(NothingToRent, match="InsufficientInstanceCapacity: none left"):
        ec2.start(ORDER)


def refuse(**_: object) -> None:
    from botocore.exceptions import ClientError

    raise ClientError({"Error": {"Code": "InsufficientInstanceCapacity", "Message": "none left"}}, "RunInstances")
