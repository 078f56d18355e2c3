"""Machines of Amazon's EC2, by boto3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

from ringrift.errors import RingRiftError
from ringrift.fleet.provider import NothingToRent, Order, ProviderTrouble, RentedMachine
from ringrift.fleet.rent_settings import AwsSettings

TAG: Final = "ringrift"
"""The tag that holds the name of the fleet."""
_STATES: Final[dict[str, Literal["starting", "running", "stopped"]]] = {
    "pending": "starting",
    "running": "running",
    "stopping": "stopped",
    "stopped": "stopped",
}
_NONE_LEFT: Final = frozenset(
    ("InsufficientInstanceCapacity", "SpotMaxPriceTooLow", "MaxSpotInstanceCountExceeded", "InstanceLimitExceeded")
)
_ENDED: Final = "InvalidInstanceID.NotFound"


class Ec2:
    """A `Provider` of machines of one type in one region."""

    def __init__(self, settings: AwsSettings, fleet: str, budget_per_hour: float) -> None:
        """Nothing is asked yet; the credentials are those that boto3 finds."""
        try:
            import boto3
        except ImportError:
            raise RingRiftError("boto3 is not installed: pip install 'ringrift[aws]'") from None
        self._settings = settings
        self._fleet = fleet
        self._budget = budget_per_hour
        with _explained():
            self._client: Any = boto3.client("ec2", region_name=settings.region)

    def machines(self) -> Sequence[RentedMachine]:
        """Return all machines with the tag of the fleet that have not ended."""
        filters = [
            {"Name": f"tag:{TAG}", "Values": [self._fleet]},
            {"Name": "instance-state-name", "Values": list(_STATES)},
        ]
        with _explained():
            pages = list(self._client.get_paginator("describe_instances").paginate(Filters=filters))
        return [
            _machine(instance)
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]

    def price(self) -> float:
        """Return the price of the market for the type, that of its dearest zone; or the one of the settings."""
        if not self._settings.spot:
            return float(self._settings.price_per_hour or 0)
        import datetime

        now = datetime.datetime.now(datetime.UTC)
        with _explained():
            answer = self._client.describe_spot_price_history(
                InstanceTypes=[self._settings.type],
                ProductDescriptions=["Linux/UNIX"],
                StartTime=now,
                EndTime=now,
            )
        prices = [float(one["SpotPrice"]) for one in answer["SpotPriceHistory"]]
        if not prices:
            raise ProviderTrouble(f"aws: {self._settings.region} has no spot price of {self._settings.type}")
        return max(prices)

    def start(self, order: Order) -> str:
        """Start a machine that ends for good when it is shut down."""
        settings = self._settings
        with _explained():
            (image,) = self._client.describe_images(ImageIds=[settings.image])["Images"]
        tags = [{"Key": TAG, "Value": self._fleet}, {"Key": "Name", "Value": order.name}]
        request: dict[str, Any] = {
            "ClientToken": order.name,
            "ImageId": settings.image,
            "InstanceType": settings.type,
            "MinCount": 1,
            "MaxCount": 1,
            "UserData": order.cloud_config(),
            "InstanceInitiatedShutdownBehavior": "terminate",
            "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")],
            "BlockDeviceMappings": [
                {
                    "DeviceName": image["RootDeviceName"],
                    "Ebs": {"VolumeSize": settings.disk_gb, "DeleteOnTermination": True},
                }
            ],
        }
        if settings.spot:
            spot = {"MaxPrice": f"{self._budget:.4f}", "SpotInstanceType": "one-time"}
            request["InstanceMarketOptions"] = {"MarketType": "spot", "SpotOptions": spot}
        if settings.subnet:
            request["SubnetId"] = settings.subnet
        if settings.security_groups:
            request["SecurityGroupIds"] = settings.security_groups
        with _explained():
            return str(self._client.run_instances(**request)["Instances"][0]["InstanceId"])

    def end(self, identity: str) -> None:
        """Terminate a machine; its disk goes with it."""
        from botocore.exceptions import ClientError

        with _explained():
            try:
                self._client.terminate_instances(InstanceIds=[identity])
            except ClientError as error:
                if _code(error) != _ENDED:
                    raise


def _machine(instance: Any) -> RentedMachine:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", ())}
    address = instance.get("PublicIpAddress") or instance.get("PrivateIpAddress")
    return RentedMachine(instance["InstanceId"], tags.get("Name", ""), _STATES[instance["State"]["Name"]], address)


@contextmanager
def _explained() -> Iterator[None]:
    """Raise what goes wrong inside the block in one line."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        kind = NothingToRent if _code(error) in _NONE_LEFT else ProviderTrouble
        raise kind(f"aws: {_code(error)}: {error.response['Error'].get('Message', 'no reason given')}") from None
    except BotoCoreError as error:
        raise ProviderTrouble(f"aws: {error}") from None


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
