"""Files as earlier versions of RingRift wrote them, which have to be read for ever.

They were made by version 0.1.0, before the data had the names of `docs/glossary.md`:

- `games.jsonl.gz`: four games of self-play, records of format 1
  (`ringrift selfplay square8_2p --players 'gumbel:heuristic@16?noise=1&full=0.5&fast=4' --run first --seed 5`);
- `games.db.gz`: a games database with them, revision 0005 (`ringrift games ingest`);
- `dataset.tar.gz`: a data set of them, format 2 (`ringrift dataset export square8_2p --encoder v1`);
- `training.tar.gz`: the data sets of `tests/training/planted.py`, format 2; a training on them that was stopped at
  step 7 of 12; its report and its model once it had gone on to the end. The network had 4 channels, 1 block and 4 head
  channels.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Final

OLD_FORMATS: Final = Path(__file__).parent


def unpack(name: str, folder: Path) -> Path:
    """Unpack one of the archives into a folder; return the folder."""
    with tarfile.open(OLD_FORMATS / name) as archive:
        archive.extractall(folder, filter="data")
    return folder
