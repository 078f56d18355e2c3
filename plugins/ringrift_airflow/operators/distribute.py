"""The champion, brought to all hosts of self-play."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from ringrift.fleet.failures import HostTrouble
from ringrift.fleet.hosts import LOCAL, chosen_hosts
from ringrift_airflow.hooks.fleet import FleetHook, in_one_line
from ringrift_airflow.operators.haltable import HaltableOperator
from ringrift_airflow.workspace import home


class DistributeModelOperator(HaltableOperator):
    """Bring the champion to all hosts of self-play, where workers play with it from their next game on.

    Where there are none, this makes sure that it is whole. A host that cannot be reached gets it another time; if none
    can be, the task fails.
    """

    def __init__(self, *, config: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config

    def work(self, context: Context) -> Any:
        """Compare the champion's file with its checksum, and bring it to the hosts."""
        fleet = FleetHook()
        path = home() / "models" / f"ringrift_best_{self.config}.pth"
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            expected = json.loads(path.with_suffix(".json").read_bytes())["sha256"]
        except (OSError, ValueError, KeyError) as error:
            raise AirflowFailException(f"{path}: cannot be read with its .json ({error})") from None
        if digest != expected:
            raise AirflowFailException(f"{path}: its checksum is not that of its .json")
        self.log.info("local: %s is there, sha256 %s", path, digest)
        found = {"model": digest[:16], "sha256": digest, "hosts": [LOCAL]}
        return found | (bring_champion(fleet, self.config, self.log) if fleet.has("selfplay") else {})


def bring_champion(fleet: FleetHook, config: str, log: Any, names: Sequence[str] = ()) -> dict[str, Any]:
    """Bring the champion of a config to hosts that lack it, by default to all of self-play.

    `HostTrouble` if none of them has it.
    """
    from ringrift.agents.champion import former_wanted
    from ringrift.fleet.distribution import distribute  # late: it takes a second
    from ringrift.models import ModelStore
    from ringrift.models.former import place_former_champions
    from ringrift.selfplay import selfplay_settings

    with in_one_line(), fleet.health() as health:
        store = ModelStore(health.database, home() / "models")
        chosen = chosen_hosts(fleet.hosts, names, "selfplay")
        former = former_wanted(selfplay_settings(config).players.trained)
        place_former_champions(store, config, former)
        report = distribute(store, config, chosen, fleet.settings, former=former, health=health, connect=fleet.connect)
    for one in report.hosts:
        if one.trouble:
            log.warning("%s (%s)", one.trouble, one.reaction)
        else:
            log.info("%s: champion %s of %s: %s", one.host, report.model, config, one.outcome)
    trouble = {one.host: one.trouble for one in report.hosts if one.trouble}
    if len(trouble) == len(report.hosts):
        raise HostTrouble(f"no host of self-play has taken {report.model}: {'; '.join(trouble.values())}")
    return {"hosts": [one.host for one in report.hosts if not one.trouble], "trouble": trouble}
