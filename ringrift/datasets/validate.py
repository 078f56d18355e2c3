"""Validation: is a data set what its manifest says, and can a network learn from it?

Every shard is mapped into memory and looked at once. A check fails if the data set must not be trained on; it warns if
somebody should know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from ringrift.datasets.layout import IDENTITY_BYTES, POLICIES, BadDataset, Layout
from ringrift.datasets.manifest import HOLDOUT, Manifest, find_manifest, manifest_path, read_manifest
from ringrift.datasets.quality import Gathered, Quality, dataset_quality
from ringrift.datasets.settings import QualitySettings
from ringrift.datasets.shards import Arrays, check_forms, digest, game_identities, open_shard
from ringrift.encoding import symmetries
from ringrift.encoding.symmetries import cell_pixels
from ringrift.encoding.values import place_value
from ringrift.game import policy_size
from ringrift.game_database.pool import lot
from ringrift.game_database.selection import holdout_bound
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64
from ringrift.run_context import RunContext
from ringrift.selfplay.record import VALUE_UNIT

Verdict = Literal["ok", "warning", "failed", "skipped"]

HASHED: Final = 100_000
"""About so many positions are looked at for repetitions, all of a small data set: 2 s on square8, 20 s on hexagonal."""
MANY_REPEATED: Final = 0.2
"""A share of repeated positions that is worth a warning: openings repeat, whole games should not."""
MOST_REPEATED: Final = 0.5
"""The share of repeated positions that is a failure: most of what a network would see is copies."""
COPIES: Final = 0.05
"""A share of games that are copies of another one, action for action, that is worth a warning."""
ONE_SIDED: Final = 0.95
"""A share of one class of values, or of one seat's wins, that is worth a warning."""
ONE_ALONE: Final = 0.99
"""The share of one class that is a failure: a network would learn to say always the same."""
FEWEST_WINS: Final = 20
"""The number of wins below which no seat has a share worth speaking of."""
TOLERANCE: Final = 1e-5
"""The tolerance of values: float32 thirds do not add up to zero exactly."""

CHECKS: Final = {
    "files": "every shard is there, with the bytes that the manifest names",
    "arrays": "types and shapes are those of config and encoding",
    "offsets": "every policy begins where the one before ends",
    "numbers": "no number is infinite or none",
    "ranges": "planes show this board; values, seats, actions, weights and facts are in their range",
    "policies": "probabilities add up to one, or to zero where there is no policy; no action stands there twice",
    "values": "values are those of ranks, the same in all of a game, and fit its winner; moves left fall",
    "holdout": "no game is on both sides of the hold-out line",
    "duplicates": "no sample stands there twice, and few games are copies",
    "symmetric_duplicates": "few positions repeat, as they are or under a symmetry",
    "class_balance": "no class of values has nearly all samples",
    "seat_balance": "no seat wins nearly all games",
}
"""The checks, in order, and what each demands."""


@dataclass(frozen=True)
class DatasetCheck:
    """The result of one check."""

    name: str
    verdict: Verdict
    detail: str


@dataclass(frozen=True)
class ValidationReport:
    """The result of a validation."""

    dataset: str
    samples: int
    checks: tuple[DatasetCheck, ...]
    quality: Quality
    """The quality of the shards that could be read."""

    @property
    def sound(self) -> bool:
        """Whether nothing failed."""
        return all(check.verdict != "failed" for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return asdict(self) | {"sound": self.sound}


@dataclass
class _Findings:
    """The findings so far."""

    failures: dict[str, list[str]] = field(default_factory=dict)
    keys: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    """The identity of the game and the action index of every sample, as bytes."""
    gathered: Gathered = field(default_factory=Gathered)
    """The statistics of the shards that could be read."""
    hashes: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    """`[positions, 2]`, the hashes of a position, and of all its images."""

    def expect(self, check: str, holds: bool | np.bool_, complaint: str) -> None:
        """Note a failure unless something holds."""
        if not holds:
            self.failures.setdefault(check, []).append(complaint)


def validate(dataset: Path, context: RunContext[QualitySettings]) -> ValidationReport:
    """Look at a data set, named by its manifest with or without `.json`; `BadDataset` if there is none."""
    path = find_manifest(dataset)
    manifest = read_manifest(path)
    findings = _Findings()
    step = max(1, manifest.samples // HASHED)
    settings = context.settings
    for index, shard in enumerate(manifest.shards):
        file = path.parent / shard.name
        try:
            arrays = open_shard(file)
            findings.expect("files", digest(file) == shard.sha256, f"{shard.name} is not what the manifest says")
            check_forms(file, arrays, manifest.layout)
        except BadDataset as error:
            findings.expect("files" if not file.is_file() or "damaged" in str(error) else "arrays", False, str(error))
            continue
        counts = len(arrays["game"]), len(arrays["games"])
        findings.expect("files", counts == (shard.samples, shard.games), f"{shard.name} holds {counts[0]} samples")
        _check_shard(findings, shard.name, arrays, manifest.layout)
        _check_games(findings, shard.name, arrays, manifest.part)
        findings.hashes.append(_hashes(arrays, manifest.layout, step))
        context.progress("validating", index + 1, len(manifest.shards))
    _check_all(findings, path, manifest)
    quality = dataset_quality(findings.gathered, settings, manifest.config)
    return ValidationReport(str(path), manifest.samples, tuple(_verdicts(findings, manifest)), quality)


def _check_shard(findings: _Findings, name: str, arrays: Arrays, layout: Layout) -> None:
    """Check the arrays of a shard by themselves."""
    samples, games = len(arrays["game"]), len(arrays["games"])
    for policy in POLICIES:
        offsets, entries = arrays[f"{policy}_offsets"], len(arrays[f"{policy}_actions"])
        sound = offsets[0] == 0 and offsets[-1] == entries == len(arrays[f"{policy}_probs"])
        sound = sound and bool((np.diff(offsets) >= 0).all())
        findings.expect("offsets", sound, f"{name}: {policy}_offsets do not fit {policy}_actions")
        if sound:
            _check_policies(findings, name, arrays, policy, layout)
    for member in ("globals", "outcome_values", "sample_weights"):
        odd = samples - int(np.isfinite(arrays[member].reshape(samples, -1)).all(axis=1).sum())
        findings.expect("numbers", odd == 0, f"{name}: {member} of {odd:,} samples are no numbers")
    board = np.zeros(layout.board.size**2, np.uint8)
    board[cell_pixels(layout.board)] = 1
    shown = arrays["features"][:, layout.version.planes.index("board")].reshape(samples, -1)
    findings.expect("ranges", (shown == board).all(), f"{name}: the planes do not show {layout.board.name}")
    players = layout.players
    for member, low, high in (
        ("outcome_values", -1, 1),
        ("has_policy", 0, 1),
        ("ownership", 0, players),
        ("moves_left", 1, np.inf),
        ("sample_weights", 0, np.inf),
        ("action_index", 0, np.inf),
        ("game", 0, games - 1),
        ("root_values", -VALUE_UNIT, VALUE_UNIT),
    ):
        array = arrays[member]
        inside = not array.size or (np.nanmin(array) >= low and np.nanmax(array) <= high)
        findings.expect("ranges", inside, f"{name}: {member} are not all in {low} … {high}")
    outside = arrays["ownership"].reshape(samples, -1)[:, board == 0]
    findings.expect("ranges", not outside.any(), f"{name}: ownership of what is no cell")
    facts = arrays["facts"]
    for fact, least, most in (("plies", 1, np.inf), ("searched", 0, facts["choices"]), ("winner", 0, players)):
        possible = ((facts[fact] >= least) & (facts[fact] <= most)).all()
        findings.expect("ranges", possible, f"{name}: {fact} of games are out of their range")
    findings.expect("ranges", not samples or np.nansum(arrays["sample_weights"]) > 0, f"{name}: no sample has a weight")


def _check_policies(findings: _Findings, name: str, arrays: Arrays, policy: str, layout: Layout) -> None:
    """Check one of `POLICIES`."""
    actions, offsets = arrays[f"{policy}_actions"], arrays[f"{policy}_offsets"]
    size = policy_size(layout.board)
    inside = not len(actions) or (actions.min() >= 0 and actions.max() < size)
    findings.expect("ranges", inside, f"{name}: {policy}_actions are not all in 0 … {size - 1}")
    lengths = np.diff(offsets)
    sums = np.diff(np.concatenate([[0], np.cumsum(arrays[f"{policy}_probs"], dtype=np.int64)])[offsets])
    near = np.abs(sums - 65535) <= layout.board.max_actions  # every probability may be off by one, those left out too
    if policy == "policy":
        near = np.where(arrays["has_policy"] == 1, np.abs(sums - 65535) <= lengths, sums == 0)
        findings.expect("policies", (lengths > 1).all(), f"{name}: a sample has nothing to choose from")
    else:
        near |= lengths == 0
    wrong = len(near) - int(near.sum())
    findings.expect("policies", wrong == 0, f"{name}: {policy}_probs of {wrong:,} samples do not add up")
    if inside:
        keys = np.sort(np.repeat(np.arange(len(lengths)), lengths) * size + actions)
        findings.expect("policies", (np.diff(keys) > 0).all(), f"{name}: an action stands twice in {policy}_actions")


def _check_games(findings: _Findings, name: str, arrays: Arrays, part: str) -> None:
    """Check what has to agree within games, and note which games they are."""
    values, players = arrays["outcome_values"], arrays["outcome_values"].shape[1]
    places = sorted({place_value(a, b, players) for b in range(1, players + 1) for a in range(players - b + 1)})
    nearest = np.abs(values[:, :, np.newaxis] - np.array(places, np.float32)).min(axis=2, initial=np.inf)
    sound = (nearest <= TOLERANCE).all() and (np.abs(values.sum(axis=1)) <= TOLERANCE * players).all()
    findings.expect("values", sound, f"{name}: outcome_values are not those of ranks")
    order = np.sort(values, axis=1)
    same = np.diff(arrays["game"]) == 0
    findings.expect("values", (order[1:][same] == order[:-1][same]).all(), f"{name}: values change within a game")
    falls = np.diff(arrays["moves_left"].astype(np.int64)) <= 0
    findings.expect("values", falls[same].all(), f"{name}: moves left rise within a game")
    findings.gathered.add(arrays["facts"], values, int((arrays["has_policy"] == 1).sum()))
    identities = np.ascontiguousarray(arrays["games"]).view(np.uint8).reshape(-1, IDENTITY_BYTES)
    if len(identities) and arrays["game"].min() >= 0 and arrays["game"].max() < len(identities):
        index = np.ascontiguousarray(arrays["action_index"]).view(np.uint8).reshape(-1, 4)
        findings.keys.append(np.hstack([identities[arrays["game"]], index]))
        facts = arrays["facts"][arrays["game"]]
        fits = ((values != 0).any(axis=1) == (facts["winner"] > 0)).all()
        findings.expect("values", fits, f"{name}: values do not fit who has won the game")
        findings.expect("values", (arrays["moves_left"] <= facts["plies"]).all(), f"{name}: more moves left than moves")
    bound = holdout_bound()
    for identity in map(bytes, identities):
        if (lot(identity) < bound) != (part == "holdout"):
            findings.expect("holdout", False, f"{name}: game {identity.hex()} is on the wrong side")


def _check_all(findings: _Findings, path: Path, manifest: Manifest) -> None:
    """Check what shows only when all shards have been seen."""
    sums = sum(shard.samples for shard in manifest.shards), sum(shard.games for shard in manifest.shards)
    findings.expect("files", sums == (manifest.samples, manifest.games), "the shards do not add up to the manifest")
    keys = _joined(findings.keys, IDENTITY_BYTES + 4)
    twice = len(keys) - len(np.unique(keys))
    findings.expect("duplicates", twice == 0, f"{twice:,} samples of the same action of the same game")
    name = path.stem
    other = manifest_path(path.parent, name.removesuffix(HOLDOUT) if name.endswith(HOLDOUT) else name + HOLDOUT)
    if other.is_file():
        both = set(_games(path, manifest)) & set(_games(other, read_manifest(other)))
        findings.expect("holdout", not both, f"{len(both):,} games are also in {other.name}")


def _games(path: Path, manifest: Manifest) -> Iterator[bytes]:
    """Yield the identities of all games in the shards that can be read."""
    for shard in manifest.shards:
        try:
            identities = game_identities(open_shard(path.parent / shard.name))
        except (BadDataset, KeyError):
            continue
        yield from identities


def _verdicts(findings: _Findings, manifest: Manifest) -> Iterator[DatasetCheck]:
    """Yield the results of all checks, in order."""
    measured = {
        "duplicates": _copies(findings),
        "symmetric_duplicates": _repetitions(findings),
        "class_balance": _class_balance(findings),
        "seat_balance": _seat_balance(findings, manifest.layout.players),
    }
    for name, what in CHECKS.items():
        if failures := findings.failures.get(name):
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            yield DatasetCheck(name, "failed", failures[0] + more)
        elif name not in ("files", "arrays") and not findings.gathered.facts:
            yield DatasetCheck(name, "skipped", "no shard could be looked at")
        else:
            yield DatasetCheck(name, *measured.get(name, ("ok", what)))


def _graded(share: float, warning: float, failure: float, detail: str) -> tuple[Verdict, str]:
    """Return the verdict on a share that should be small."""
    return "failed" if share > failure else "warning" if share > warning else "ok", detail


def _copies(findings: _Findings) -> tuple[Verdict, str]:
    """Count the games that are played like another one."""
    actions = np.concatenate([np.empty(0, np.int64), *(facts["actions"] for facts in findings.gathered.facts)])
    copies = len(actions) - len(np.unique(actions))
    detail = f"no sample stands there twice; {copies:,} games are copies of others, action for action"
    return _graded(copies / max(len(actions), 1), COPIES, MOST_REPEATED, detail)


def _repetitions(findings: _Findings) -> tuple[Verdict, str]:
    """Count the positions that repeat."""
    hashes = np.concatenate([np.empty((0, 2), np.uint64), *findings.hashes])
    repeated, images = (1 - len(np.unique(column)) / max(len(column), 1) for column in hashes.T)
    detail = f"{repeated:.1%} of {len(hashes):,} positions repeat another one, {images:.1%} if images of it count too"
    return _graded(images, MANY_REPEATED, MOST_REPEATED, detail)


def _class_balance(findings: _Findings) -> tuple[Verdict, str]:
    """Compare the numbers of samples by value."""
    values = findings.gathered.values
    samples = max(sum(values.values()), 1)
    wins = sum(count for value, count in values.items() if value > 0) / samples
    losses = sum(count for value, count in values.items() if value < 0) / samples
    detail = f"value of the player to act: above 0 in {wins:.0%} of the samples, below 0 in {losses:.0%}"
    return _graded(max(values.values(), default=0) / samples, ONE_SIDED, ONE_ALONE, detail)


def _seat_balance(findings: _Findings, players: int) -> tuple[Verdict, str]:
    """Compare the numbers of games by winner."""
    winners = np.concatenate([np.empty(0, np.int32), *(facts["winner"] for facts in findings.gathered.facts)])
    wins = [int((winners == seat).sum()) for seat in range(1, players + 1)]
    detail = f"games won by seat: {', '.join(f'{count:,}' for count in wins)}"
    return _graded(max(wins) / max(sum(wins), FEWEST_WINS), ONE_SIDED, ONE_ALONE, detail)


def _joined(parts: list[npt.NDArray[np.uint8]], width: int) -> npt.NDArray[np.void]:
    """Join rows of bytes into single values."""
    rows = np.concatenate([np.empty((0, width), np.uint8), *parts])
    return np.ascontiguousarray(rows).view(np.dtype((np.void, width))).reshape(-1)


def _hashes(arrays: Arrays, layout: Layout, step: int) -> npt.NDArray[np.uint64]:
    """`[positions, 2]`: the hashes of one position in `step`, and the least of the hashes of their images.

    Which ones is decided by a key that images share: a position is looked at with all its repetitions, or not at all.
    Every `step`-th sample instead would rarely hold both of two that are the same.
    """
    features = arrays["features"].reshape(*arrays["features"].shape[:2], -1)
    globals = np.ascontiguousarray(arrays["globals"]).view(np.uint32)
    keys = np.empty((len(features), 2), np.uint64)
    key_positions(features, globals, keys)
    chosen = np.flatnonzero(keys[:, 1] % np.uint64(step) == 0)
    hashes = np.empty((len(chosen), 2), np.uint64)
    gather = symmetries(layout.board, layout.players).gather
    hash_positions(np.ascontiguousarray(features[chosen]), keys[chosen, 0], gather, hashes)
    return hashes


@compiled
def key_positions(features: Any, globals: Any, out: Any) -> None:
    """Write a hash of the globals, `[N, G]` as bits, and one also of what the planes, `[N, C, A]`, add up to, `[N, 2]`.

    Symmetries change neither: they move what stands in a plane about.
    """
    for row in range(len(features)):
        head = np.uint64(0)
        for i in range(globals.shape[1]):
            head = mix64(head ^ np.uint64(globals[row, i]))
        key = head
        for plane in range(features.shape[1]):
            total = np.uint64(0)
            for pixel in range(features.shape[2]):
                shown = np.uint64(features[row, plane, pixel])
                total += shown * shown
            key = mix64(key ^ total)
        out[row, 0] = head
        out[row, 1] = key


@compiled
def hash_positions(features: Any, heads: Any, gather: Any, out: Any) -> None:
    """Hash positions, `[N, C, A]` and `heads` `[N]` of globals, by themselves and over images; `gather` is `[S, A]`."""
    for row in range(len(features)):
        for image in range(len(gather)):
            value = heads[row]
            for plane in range(features.shape[1]):
                for pixel in range(features.shape[2]):
                    shown = features[row, plane, gather[image, pixel]]
                    if shown:
                        value ^= mix64(
                            np.uint64(shown) ^ np.uint64(plane << 8) ^ np.uint64(pixel << 16) ^ np.uint64(1 << 40)
                        )
            if image == 0:
                out[row, 0] = value
                out[row, 1] = value
            elif value < out[row, 1]:
                out[row, 1] = value
