"""The games of all hosts of self-play."""

from __future__ import annotations

from threading import Event
from typing import Any

from airflow.sdk import Context

from ringrift.fleet.hosts import LOCAL, players_and_archives
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.operators.haltable import HaltableOperator
from ringrift_airflow.retries import failing_for_good_unless_busy, postponed


class SyncGamesOperator(HaltableOperator):
    """Fetch the finished games of all hosts of self-play, and bring them to the archives.

    Where there are none of either, the games are here already.

    A host that does not answer fails nothing: the games of the others count, and its own come another time.
    """

    def __init__(self, *, config: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config

    def work(self, context: Context) -> Any:
        """Fetch the games, and return what came from where."""
        fleet = FleetHook()
        folder = fleet.home / "data" / "selfplay"
        if not fleet.has("selfplay") and all(host.works for host in fleet.hosts.values()):
            self.log.info("local: the games are in %s; nothing has to be fetched", folder / self.config)
            return {"games": 0, "hosts": [LOCAL], "trouble": {}}
        from ringrift.fleet.sync import sync_games  # late: it takes a second
        from ringrift.resources import Guard, guard_settings

        with failing_for_good_unless_busy():
            guard = Guard(guard_settings(), [folder])
        with postponed():
            guard.wait_for_room("sync", Event())
        with failing_for_good_unless_busy(), fleet.health() as health:
            chosen, archives = players_and_archives(fleet.hosts)
            report = sync_games(
                *(chosen, fleet.settings), root=folder, health=health, archives=archives, connect=fleet.connect
            )
        for host in report.hosts:
            if host.trouble:
                self.log.warning("%s (%s)", host.trouble, host.reaction)
            else:
                self.log.info("%s: %d new games in %d files", host.host, host.games, host.files)
        for one in report.archives:
            (self.log.warning if one.trouble else self.log.info)("%s", one)
        trouble = {host.host: host.trouble for host in report.failed}
        return {"games": report.games, "hosts": [host.host for host in report.hosts], "trouble": trouble}
