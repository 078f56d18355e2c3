"""The champion, brought to all hosts of self-play."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from ringrift.fleet.failures import HostTrouble
from ringrift.fleet.hosts import LOCAL, players_and_archives
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.operators.haltable import HaltableOperator
from ringrift_airflow.retries import failing_for_good_unless_busy
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
        report = {"model": digest[:16], "sha256": digest, "hosts": [LOCAL]}
        needed = fleet.has("selfplay") or not all(host.works for host in fleet.hosts.values())
        return report | (bring_champion(fleet, self.config, self.log) if needed else {})


def bring_champion(fleet: FleetHook, config: str, log: Any, names: Sequence[str] = ()) -> dict[str, Any]:
    """Bring the champion of a config to hosts that lack it, by default to all of self-play and all archives.

    `HostTrouble` if none of those of self-play has it.
    """
    from ringrift.fleet.distribution import distribute  # late: it takes a second
    from ringrift.models import ModelStore
    from ringrift.models.former import place_league_models
    from ringrift.selfplay import selfplay_settings

    with failing_for_good_unless_busy(), fleet.health() as health:
        store = ModelStore(health.database, home() / "models")
        hosts_of_play, archives = players_and_archives(fleet.hosts, names)
        chosen = hosts_of_play | archives
        players = selfplay_settings(config).players.every_trained
        place_league_models(store, config, players)
        report = distribute(
            store, config, chosen, fleet.settings, players=players, health=health, connect=fleet.connect
        )
    for one in report.hosts:
        if one.trouble:
            log.warning("%s (%s)", one.trouble, one.reaction)
        else:
            log.info("%s: champion %s of %s: %s", one.host, report.model, config, one.outcome)
    trouble = {one.host: one.trouble for one in report.hosts if one.trouble}
    if hosts_of_play and hosts_of_play.keys() <= trouble.keys():
        raise HostTrouble(f"no host of self-play has taken {report.model}: {'; '.join(trouble.values())}")
    return {"hosts": [one.host for one in report.hosts if not one.trouble], "trouble": trouble}
