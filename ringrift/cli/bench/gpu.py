"""`ringrift bench gpu`: whether a GPU computes what it should, and how much of it self-play and training use."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringrift.cli.bench.tables import print_table, write_or_print
from ringrift.cli.context import use_threads
from ringrift.cli.options import ConfigArgument, DeviceOption, TorchThreadsOption
from ringrift.cli.progress import tracked
from ringrift.console import echo

if TYPE_CHECKING:
    from ringrift.benchmarks.gpu import GpuPlan
    from ringrift.benchmarks.gpu_checks import GpuCheck


def gpu(
    config: ConfigArgument = "square8_2p",
    device: DeviceOption = None,
    threads: TorchThreadsOption = None,
    checks_only: Annotated[bool, typer.Option("--checks", help="Only check, and measure nothing.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Check that a GPU computes what the processor computes, and measure what self-play and training make of it.

    Checks come first; exit code 1 if one fails, and nothing is measured then.
    Without a GPU it says what it would do; --device cpu does all of it, small.
    docs/gpu.md says how to read the tables.

    Example: ringrift bench gpu --out gpu.json

    Example: ringrift bench gpu hexagonal_4p --device cuda:1

    Example: ringrift bench gpu --device cpu --checks --json
    """
    import torch

    from ringrift.benchmarks.gpu import planned
    from ringrift.benchmarks.gpu_checks import check_device
    from ringrift.game import parse_config
    from ringrift.networks import checked_device, device_name

    use_threads(threads)
    board, players = parse_config(config)
    where = checked_device(device)
    if device is None and where == "cpu":
        _say_plan(planned("cuda", config, board.name), as_json)
        return
    checks = check_device(where, board.name, players)
    plan = planned(where, config, board.name)
    report: dict[str, Any] = {
        "device": device_name(torch.device(where)),
        "torch": torch.__version__,
        "checks": [asdict(check) for check in checks],
    }
    passed = all(check.passed for check in checks)
    if not as_json:
        _show_checks(checks, report["device"])
    if passed and not checks_only:
        report |= _measured(plan, board.name, players)
    if not write_or_print(report, out, as_json) and "network" in report:
        _show(report)
    if not passed:
        raise typer.Exit(1)


def _measured(plan: GpuPlan, board: str, players: int) -> dict[str, Any]:
    """Measure everything that is planned."""
    from ringrift.agents.network_evaluators import GROUPS
    from ringrift.benchmarks import gpu as measuring
    from ringrift.kernels.cores import own_cores

    networks: list[measuring.NetworkRate] = []
    searches: list[measuring.SearchRate] = []
    plays: list[measuring.ProcessesRate] = []
    trainings: list[measuring.TrainingRate] = []
    possible = [processes for processes in plan.processes if processes <= len(own_cores())]
    ceilings = measuring.measure_ceilings(plan.device)
    for architecture in tracked(plan.architectures, "networks"):
        networks += measuring.measure_network(plan, board, players, architecture)
        alone = measuring.measure_evaluations(plan, board, players, architecture, max(plan.batches))
        for games in plan.games:
            for groups in (1, GROUPS):
                searches.append(measuring.measure_search(plan, board, players, architecture, games, groups, alone))
        for processes in possible:
            plays.append(measuring.measure_processes(plan, architecture, processes, max(plan.games)))
        trainings.append(measuring.measure_training(plan, board, players, architecture))
    measured: dict[str, list[Any]] = {"network": networks, "search": searches, "selfplay": plays, "training": trainings}
    return {"ceilings": asdict(ceilings)} | {name: [asdict(row) for row in rows] for name, rows in measured.items()}


def _say_plan(plan: GpuPlan, as_json: bool) -> None:
    """Print what would be measured on a GPU."""
    if write_or_print({"device": None, "plan": asdict(plan)}, None, as_json):
        return
    echo(
        f"There is no GPU that torch can use. On one, this would check it against the processor and then measure for "
        f"{plan.config}: its ceilings; {', '.join(plan.architectures)} with batches of "
        f"{', '.join(map(str, plan.batches))}, layer by layer, fused and as graphs; searches of "
        f"{', '.join(map(str, plan.games))} games in one group and in several; self-play in "
        f"{', '.join(map(str, plan.processes))} processes; and training with batches of "
        f"{plan.training_batch}. With --device cpu all of it runs here, small."
    )


def _show_checks(checks: list[GpuCheck], device: str) -> None:
    print_table(
        f"Checks of {device}",
        ("rule", "device", "passed", "finding"),
        [(check.name, check.device, "yes" if check.passed else "NO", check.detail) for check in checks],
    )


def _show(report: dict[str, Any]) -> None:
    """The figures as tables."""
    ceilings = report["ceilings"]
    copies = "–" if ceilings["to_device"] is None else f"{ceilings['to_device']:.1f} / {ceilings['to_host']:.1f}"
    print_table(
        f"Ceilings of {report['device']}, {ceilings['dtype']}",
        ("matrices TFLOP/s", "convolutions TFLOP/s", "copies there / back GB/s", "a launch µs"),
        [
            (
                f"{ceilings['matrix_tflops']:,.2f}",
                f"{ceilings['convolution_tflops']:,.2f}",
                copies,
                f"{ceilings['launch_microseconds']:.1f}",
            )
        ],
    )
    print_table(
        "Networks alone",
        ("config", "network", "mode", "batch", "positions/s", "of the ceiling"),
        [
            (
                *(row["config"], row["architecture"], row["mode"], f"{row['batch']}"),
                f"{row['positions_per_second']:,.0f}",
                f"{row['share']:.0%}",
            )
            for row in report["network"]
        ],
    )
    print_table(
        "Searches",
        ("config", "network", "games", "groups", "evaluations/s", "of the network", "cached", "asking", "batch"),
        [
            (
                *(row["config"], row["architecture"], f"{row['games']}", f"{row['groups']}"),
                f"{row['evaluations_per_second']:,.0f}",
                *(f"{row[name]:.0%}" for name in ("share", "cached", "in_network")),
                f"{row['mean_batch']:,.0f}",
            )
            for row in report["search"]
        ],
    )
    print_table(
        "Self-play, the first moves",
        ("config", "network", "processes", "games", "moves/s", "asking"),
        [
            (
                *(row["config"], row["architecture"], f"{row['processes']}", f"{row['games']}"),
                *(f"{row['moves_per_second']:,.0f}", f"{row['in_network']:.0%}"),
            )
            for row in report["selfplay"]
        ],
    )
    print_table(
        "Training",
        ("config", "network", "batch", "samples/s", "ms a step", "loader ms", "network ms", "waits a step"),
        [
            (
                *(row["config"], row["architecture"], f"{row['batch']}", f"{row['samples_per_second']:,.0f}"),
                *(f"{row[f'{name}_milliseconds']:.1f}" for name in ("step", "loader", "network")),
                f"{row['waits']}",
            )
            for row in report["training"]
        ],
    )
