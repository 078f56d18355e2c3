"""The division of games into shards, and the names of shards: so that shards last.

Games stand in the order in which they ended, and are cut into shards where the games themselves say so, by a hash:
content-defined chunking (Muthitacharoen, Chen, Mazières 2001: A low-bandwidth network file system). So shards depend
on the games alone, never on what was exported before, and yet games that come in, or fall out of the window, change
the shards at their end of the row and leave the others as they are.

A shard is called by a hash of all that decides its bytes. One that is there already need not be made again: an export
makes the shards of new games only, and one that was interrupted goes on where it stopped.

A cache of encoded games was the other way to do this, and is slower: to copy a game from it takes 0.6 to 2.6 µs a
sample, to encode it 4.4 µs, and both then wait for the disk, which writes as much as before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Final

import orjson

from ringrift import __version__
from ringrift.datasets.game_selection import SelectedGame, StoredGame
from ringrift.datasets.layout import Layout
from ringrift.datasets.manifest import FORMAT
from ringrift.datasets.settings import DatasetSettings

KEY_BYTES: Final = 8


def blocks(games: Sequence[SelectedGame], choices: int) -> Iterator[list[SelectedGame]]:
    """Cut games, in their order, into those of one shard each, which have at most `choices` choices together.

    From a quarter of that on, every choice ends a block with the same chance, so that blocks have 0.64 of it on
    average. A game with more choices than that is a block of its own.
    """
    block: list[SelectedGame] = []
    size = 0
    for game in games:
        if block and size + game.choices > choices:
            yield block
            block, size = [], 0
        block.append(game)
        size += game.choices
        if 4 * size >= choices and _chance(game.identity) * choices < 2 * game.choices:
            yield block
            block, size = [], 0
    if block:
        yield block


def _chance(identity: bytes) -> float:
    """Return a number between 0 and 1, from other bytes than the lot that decides on holding a game out."""
    return int.from_bytes(identity[8:]) / 2.0 ** (8 * len(identity[8:]))


def shard_key(
    layout: Layout, settings: DatasetSettings, kinds: Mapping[str, float], games: Sequence[StoredGame]
) -> str:
    """Return the name of the shard of games: 16 hexadecimal digits; `kinds` are the weights of kinds of victory."""
    recipe = (
        (FORMAT, __version__, layout.config, layout.encoder),
        (settings.unsearched, settings.games.min_quality, settings.sample_weights.model_dump()),
        (settings.quality.game.model_dump(), settings.quality.usual(layout.config)),
        [(kinds[stored.game.kind], stored.game.ended) for stored in games],
        *([settings.td_lambda] if settings.td_lambda else []),  # without, shards keep the names that they had
    )
    hashed = blake2b(orjson.dumps(recipe), digest_size=KEY_BYTES)
    for game, row, reanalyses in games:
        for part in (game.identity, row.packed_actions or b"", row.packed_search or b"", *reanalyses):
            hashed.update(len(part).to_bytes(8))
            hashed.update(part)
    return hashed.hexdigest()
