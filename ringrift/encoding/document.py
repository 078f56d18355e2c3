"""`docs/encoding.md`, written from the registry: `python -m ringrift.encoding > docs/encoding.md`."""

from __future__ import annotations

from collections.abc import Iterable

from ringrift.encoding.features import FEATURE_VERSIONS
from ringrift.encoding.layout import SCALES, V1_GLOBALS, V1_PLANES, V2_GLOBALS, V2_PLANES, FeatureGroup
from ringrift.game.boards import BOARDS

INTRODUCTION = """\
# States as network input

*This page is written by `python -m ringrift.encoding`; `ringrift/encoding/layout.py` is the source.*

A state becomes an image of exact small counts, `features` uint8 `[C, H, W]`, and a vector, `globals` float32 `[G]`.

- **Pixels.** H = W = `Board.size`. The row is the x coordinate and the column the y coordinate, both counted from the
  corner of the bounding square. Pixels outside a hexagon are 0 in every plane.
- **Seats.** Everything is seen from the player to act: suffix 0 is that player, 1 the next seat, and so on. There are
  always four; those beyond the number of players are 0.
- **Scale.** The network divides each plane by its scale; globals are divided already. Both then lie in about 0 … 1.
- **Symmetry.** No plane depends on a direction, so a symmetry of the board permutes the pixels and nothing else.
- **Versions.** A later version appends to the one before it: indices never change.
"""


def document() -> str:
    """The whole page as Markdown."""
    shapes = [
        f"| `{version.name}` | {len(version.planes)} | {len(version.globals)} |"
        for version in FEATURE_VERSIONS.values()
    ]
    scales = [
        f"| {name} | {' | '.join(str(scale(board)) for board in BOARDS.values())} |" for name, scale in SCALES.items()
    ]
    return "\n".join(
        [
            INTRODUCTION,
            "| version | planes C | globals G |\n| --- | --- | --- |",
            *shapes,
            "\n## Planes\n\n| index | name | what | scale | versions |\n| --- | --- | --- | --- | --- |",
            *_rows(V2_PLANES, V1_PLANES),
            f"\n## Scales\n\n| scale | {' | '.join(BOARDS)} |\n| --- |{' --- |' * len(BOARDS)}",
            *scales,
            "\n## Globals\n\n| index | name | what | divided by | versions |\n| --- | --- | --- | --- | --- |",
            *_rows(V2_GLOBALS, V1_GLOBALS),
            "",
        ]
    )


def _rows(features: Iterable[FeatureGroup], in_v1: tuple[FeatureGroup, ...]) -> Iterable[str]:
    index = 0
    for feature in features:
        last = index + len(feature.names) - 1
        span = f"{index}" if last == index else f"{index}–{last}"
        names = ", ".join(f"`{name}`" for name in feature.names)
        versions = "v1, v2" if feature in in_v1 else "v2"
        yield f"| {span} | {names} | {feature.meaning} | {feature.scale} | {versions} |"
        index = last + 1
