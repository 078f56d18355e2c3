"""A view of a data set for people: its manifest as a table, and samples drawn as boards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ringrift.datasets.layout import POLICIES, BadDataset, Layout
from ringrift.datasets.manifest import Manifest
from ringrift.datasets.quality import Quality, game_parts, game_quality
from ringrift.datasets.settings import QualitySettings, dataset_settings
from ringrift.datasets.shards import Arrays, check_forms, open_shard
from ringrift.encoding.features import PLY_HORIZON
from ringrift.encoding.symmetries import cell_pixels
from ringrift.game import new_states, new_workspace
from ringrift.game.diagram import draw
from ringrift.game.notation import Notation
from ringrift.game.state import COLLAPSED, GAME_OVER, HEIGHT_SHIFT, PHASE_NAMES, RING_SHIFT, STACK
from ringrift.moments import utc

if TYPE_CHECKING:
    from rich.table import Table

LIKELY: Final = 5
"""The number of actions of a policy that are named."""


def describe(path: Path, manifest: Manifest) -> Table:
    """Return the manifest as a table, but for the quality."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "", title=escape(str(path)), show_header=False)
    size = sum(shard.bytes for shard in manifest.shards)
    use = "for training" if manifest.part == "training" else "held out from training"
    table.add_row("config", f"{manifest.config}, encoded as {manifest.encoder}, {use}")
    table.add_row("samples", f"{manifest.samples:,}, {manifest.policies:,} with a policy, of {manifest.games:,} games")
    table.add_row("shards", f"{len(manifest.shards)}, {size / 1e6:,.1f} MB")
    for name in ("database", "victories", "wins_by_seat", "engines", "models", "runs"):
        if name in manifest.provenance:
            table.add_row(name.replace("_", " "), escape(_words(manifest.provenance[name])))
    if ended := manifest.provenance.get("ended"):
        first, last = (utc(second, "%Y-%m-%d %H:%M") for second in ended)
        table.add_row("ended", f"{first} … {last} UTC")
    for step in manifest.provenance.get("steps", ()):
        table.add_row("games that", escape(f"{step['condition']}: {step['games']:,}"))
    return table


def known_quality(manifest: Manifest) -> Quality | None:
    """Return the quality that the manifest tells; None if it tells none."""
    known = manifest.provenance.get("quality")
    return None if known is None else Quality(**known)


def draw_samples(path: Path, manifest: Manifest, first: int, count: int) -> Iterator[str]:
    """Yield samples as text, from the `first` on; raise `BadDataset` if there is no such sample."""
    if count and first >= manifest.samples:
        raise BadDataset(f"{path}: there is no sample {first:,}, only 0 … {manifest.samples - 1:,}")
    quality = dataset_settings().quality
    begin = 0
    for shard in manifest.shards:
        rows = range(max(first - begin, 0), min(first + count - begin, shard.samples))
        if rows:
            arrays = open_shard(path.parent / shard.name)
            check_forms(path.parent / shard.name, arrays, manifest.layout)
            for row in rows:
                yield draw_sample(arrays, row, begin + row, manifest.layout, quality)
        begin += shard.samples


def draw_sample(arrays: Arrays, row: int, number: int, layout: Layout, quality: QualitySettings) -> str:
    """Return a sample as text: its position, the output of the search, and how the game went on."""
    identity = bytes(np.ascontiguousarray(arrays["games"]).view(np.uint8).reshape(-1, 16)[arrays["game"][row]]).hex()
    facts = arrays["facts"][arrays["game"][row], np.newaxis]
    score = float(game_quality(facts, quality, layout.config)[0])
    parts = ", ".join(f"{name} {part[0]:.2f}" for name, part in game_parts(facts, quality, layout.config).items())
    lines = [
        f"sample {number:,}: action {arrays['action_index'][row]} of game {identity}",
        f"quality of the game: {score:.2f} ({parts})",
        "",
        draw(layout.board, shown_state(arrays, row, layout)),
        "",
        f"value {_numbers(arrays['outcome_values'][row])}, search {_numbers(arrays['root_values'][row] / 32767)}, "
        f"{arrays['moves_left'][row]} moves left, weight {arrays['sample_weights'][row]:g}",
    ]
    notation = Notation(layout.board, shown_state(arrays, row, layout), new_workspace(layout.board))
    for policy in POLICIES:
        own = slice(*arrays[f"{policy}_offsets"][row : row + 2].tolist())
        actions, probs = arrays[f"{policy}_actions"][own], arrays[f"{policy}_probs"][own] / 65535
        best = [index for index in np.argsort(-probs, kind="stable")[:LIKELY].tolist() if probs[index]]
        # The opponent's policy is about another position, which is not at hand.
        names = [notation.key(int(actions[i])) if policy == "policy" else f"action {actions[i]}" for i in best]
        likely = ", ".join(f"{name} {probs[i]:.1%}" for name, i in zip(names, best, strict=True))
        lines.append(f"{policy.replace('_', ' ')}: {len(actions)} actions; {likely or 'none to learn'}")
    return "\n".join(lines)


def shown_state(arrays: Arrays, row: int, layout: Layout) -> Any:
    """Return the position that the planes show, with player 1 to act; what lies below a cap is made up."""
    board, version = layout.board, layout.version
    state = new_states(board, layout.players)[0]
    planes = dict(zip(version.planes, arrays["features"][row].reshape(len(version.planes), -1), strict=True))
    globals = dict(zip(version.globals, arrays["globals"][row].tolist(), strict=True))
    for cell, pixel in enumerate(cell_pixels(board).tolist()):
        for seat in range(layout.players):
            word = 0
            if height := int(planes[f"height_{seat}"][pixel]):
                cap = int(planes[f"cap_{seat}"][pixel])
                other = (seat + 1) % layout.players
                rings = sum((seat if depth < cap else other) << 2 * depth for depth in range(height))
                word = rings << RING_SHIFT | height << HEIGHT_SHIFT | STACK | seat + 1
            elif planes[f"marker_{seat}"][pixel]:
                word = seat + 1
            elif planes[f"territory_{seat}"][pixel]:
                word = COLLAPSED | seat + 1
            if word:
                state["cells"][board.tables["position"][cell]] = word
    scales = {
        "hand": board.rings,
        "on_board": board.rings,
        "controlled": board.rings,
        "credited": board.elimination_goal(layout.players),
        "territory": board.territory_goal(layout.players),
        "markers": board.cells / 2,
    }
    for name, scale in scales.items():
        for seat in range(layout.players):
            state[name][seat] = round(globals[f"{name}_{seat}"] * scale)
    state["ply"] = round(globals["ply"] * PLY_HORIZON)
    state["phase"] = next((i for i in range(GAME_OVER) if globals[f"phase_{PHASE_NAMES[i]}"]), GAME_OVER)
    return state


def _numbers(values: Any) -> str:
    return " ".join(f"{value:+.2f}" for value in values.tolist())


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count:,}" for name, count in value.items()) or "–"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
