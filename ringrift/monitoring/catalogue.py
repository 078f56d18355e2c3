"""The list of all metrics: name, kind, labels and meaning. docs/monitoring.md shows the same list."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal["counter", "gauge"]


class Metric(NamedTuple):
    """A metric as Prometheus knows it."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


CONFIG, HOST = ("config",), ("host",)

METRICS: Final = (
    # The loop.
    Metric("ringrift_uptime_seconds", "gauge", "Seconds since the loop runs without a break; 0 while it does not run."),
    Metric("ringrift_halted", "gauge", "1 while `ringrift halt` holds the loop."),
    Metric(
        "ringrift_sign_age_seconds", "gauge", "Seconds since a runner of the loop has left a sign of life.", ("writer",)
    ),
    Metric("ringrift_stages_total", "counter", "Stages of iterations that have ended.", ("config", "stage", "status")),
    Metric("ringrift_jobs_running", "gauge", "Jobs of this machine whose runner lives, by stage.", ("stage",)),
    # Games.
    Metric("ringrift_games_synced_total", "counter", "Games that have come into the database.", ("config", "host")),
    Metric("ringrift_games", "gauge", "Games in the database.", CONFIG),
    Metric("ringrift_games_pending_training", "gauge", "Games that are newer than the last training.", CONFIG),
    Metric("ringrift_backpressure", "gauge", "Share of its games by which self-play is held back, 0 to 1.", CONFIG),
    Metric("ringrift_seconds_since_last_game", "gauge", "Seconds since the end of the last game of a host.", HOST),
    Metric("ringrift_quarantined_lines_total", "counter", "Lines that are no games, by reason.", ("reason",)),
    # Training.
    Metric("ringrift_training_runs_total", "counter", "Trainings that have ended.", ("config", "status")),
    Metric("ringrift_seconds_since_training", "gauge", "Seconds since the last model was trained.", CONFIG),
    Metric("ringrift_training_loss", "gauge", "Losses of the newest training, as logged last.", ("config", "loss")),
    Metric("ringrift_training_holdout_loss", "gauge", "Total loss of the newest training on games held out.", CONFIG),
    Metric("ringrift_training_samples_per_second", "gauge", "Speed of the newest training.", CONFIG),
    Metric("ringrift_training_passes", "gauge", "Passes of the newest training over its data set.", CONFIG),
    Metric(
        "ringrift_training_progress_age_seconds",
        "gauge",
        "Seconds since the newest training, while it has not ended, has written anything.",
        CONFIG,
    ),
    # Evaluation and promotion.
    Metric("ringrift_current_elo", "gauge", "Elo of the champion, by the way it plays.", ("config", "form")),
    Metric("ringrift_current_elo_low", "gauge", "Lower end of its 95 % interval.", ("config", "form")),
    Metric("ringrift_current_elo_high", "gauge", "Upper end of its 95 % interval.", ("config", "form")),
    Metric("ringrift_elo_trend", "gauge", "Elo from one of the last models to the next.", ("config", "form")),
    Metric("ringrift_elo_trend_low", "gauge", "Lower end of its 95 % interval.", ("config", "form")),
    Metric("ringrift_elo_trend_high", "gauge", "Upper end of its 95 % interval.", ("config", "form")),
    Metric("ringrift_gauntlet_score", "gauge", "Score of the newest gauntlet, 0 to 1.", ("config", "opponent")),
    Metric("ringrift_evaluations_total", "counter", "Evaluations that have ended.", ("config", "kind")),
    Metric("ringrift_evaluation_games_total", "counter", "Games of evaluations.", ("config", "kind")),
    Metric("ringrift_evaluation_backlog", "gauge", "Models that are newer than the last one with a gauntlet.", CONFIG),
    Metric("ringrift_gate_verdicts_total", "counter", "Conditions of the gate.", ("config", "condition", "verdict")),
    Metric("ringrift_promotions_total", "counter", "Decisions about champions.", ("config", "status")),
    Metric("ringrift_seconds_since_promotion", "gauge", "Seconds since the champion was promoted.", CONFIG),
    Metric("ringrift_champion_info", "gauge", "1 for the model that is champion.", ("config", "model")),
    # Hosts.
    Metric("ringrift_hosts_configured", "gauge", "Hosts of hosts.yaml; without any, this machine."),
    Metric("ringrift_hosts_active", "gauge", "Hosts that are in service and answer."),
    Metric("ringrift_host_up", "gauge", "1 while a host is in service and answers.", HOST),
    Metric("ringrift_host_answer_age_seconds", "gauge", "Seconds since a host has answered.", HOST),
    Metric("ringrift_host_failures", "gauge", "Failures of a host in a row.", HOST),
    Metric("ringrift_syncs_total", "counter", "Rounds of sync with a host.", ("host", "status")),
    Metric("ringrift_sync_age_seconds", "gauge", "Seconds since the last round of sync that went well.", HOST),
    Metric("ringrift_host_cpu_utilization_percent", "gauge", "Use of a host's processors.", HOST),
    Metric("ringrift_host_load", "gauge", "Load average of a host over a minute.", HOST),
    Metric("ringrift_host_memory_utilization_percent", "gauge", "Use of a host's memory.", HOST),
    Metric("ringrift_host_disk_utilization_percent", "gauge", "Use of the disk that holds a host's games.", HOST),
    Metric("ringrift_host_disk_free_bytes", "gauge", "What is free of it.", HOST),
    Metric("ringrift_host_usage_age_seconds", "gauge", "Seconds since a host has reported its load.", HOST),
    Metric("ringrift_gpu_utilization", "gauge", "Use of a GPU, in percent.", ("host", "gpu")),
    Metric("ringrift_gpu_memory_utilization", "gauge", "Use of its memory, in percent.", ("host", "gpu")),
    Metric("ringrift_gpu_memory_status", "gauge", "Its memory: 0 ok, 1 high, 2 critical.", ("host", "gpu")),
    # All hosts together.
    Metric("ringrift_cluster_cpu_utilization_percent", "gauge", "Mean use of the processors of all active hosts."),
    Metric("ringrift_cluster_gpu_utilization_percent", "gauge", "Mean use of their GPUs."),
    Metric("ringrift_cluster_gpu_memory_utilization", "gauge", "Use of the memory of their GPUs, in percent."),
    Metric("ringrift_cluster_memory_utilization_percent", "gauge", "Use of the memory of all active hosts."),
    Metric("ringrift_cpu_in_target_range", "gauge", "1 while the processors are used as they should."),
    Metric("ringrift_gpu_in_target_range", "gauge", "1 while the GPUs are used as they should."),
    Metric(
        "ringrift_optimization_action",
        "gauge",
        "What would bring the use to its target: 1 more work, 0 nothing, -1 less work.",
        ("resource",),
    ),
    # The metrics themselves.
    Metric("ringrift_scrape_ok", "gauge", "1 where a part of the metrics could be computed.", ("part",)),
    Metric("ringrift_scrape_seconds", "gauge", "How long that took.", ("part",)),
)
"""The metrics in the order in which they are served."""
