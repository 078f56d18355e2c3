"""The metrics of the service for Prometheus, of this process alone."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ringrift.web.service.moves import MoveService

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Measures:
    """Counters of an application."""

    def __init__(self) -> None:
        """Begin at 0."""
        self.registry = CollectorRegistry()
        labels = ("route", "status")
        self.requests = Counter("ringrift_web_requests", "Requests answered.", labels, registry=self.registry)
        self.seconds = Histogram(
            "ringrift_web_request_seconds", "Time to an answer.", ("route",), registry=self.registry, buckets=SECONDS
        )
        self.waiting = Gauge("ringrift_web_positions_waiting", "Positions that wait.", registry=self.registry)
        self.loaded = Gauge("ringrift_web_players_loaded", "Players that are loaded.", registry=self.registry)

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def exposed(self, service: MoveService) -> bytes:
        """Return the measures in Prometheus' text form."""
        loaded = service.pool.loaded()
        self.waiting.set(sum(player.waiting for player in loaded))
        self.loaded.set(len(loaded))
        return generate_latest(self.registry)
