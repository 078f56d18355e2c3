"""The rules on one page, for a person who is about to play; docs/RULES.md has them exactly."""

from __future__ import annotations

from typing import Final

RULES: Final = """\
The goal: win by whichever comes first
  rings       eliminate rings: 18 for two players on the small boards, 72 and 96 on the large ones
  territory   own more than your share of the cells (33 of square8's 64 for two players)
  survival    be the last player who can act for whole rounds

Your turn, in this order; what there is nothing to choose in happens by itself
  1 place     put one to three rings on an empty cell, or one on top of any stack, which is yours then
  2 move      a stack that your ring tops goes in a straight line, at least as far as it is high, and leaves a
              marker of yours where it stood; markers that it passes become yours, or your territory if they were
              yours; where it lands on a marker, it loses its top ring, to your credit
  3 capture   or it jumps over a stack whose cap is no higher than its own: the top ring of that goes under it; it
              captures again while it can
  4 lines     four or more of your markers in a row (three on small boards with three and four players) become your
              territory, which costs you a ring from the top of a stack; of a longer line, four are free
  5 territory cells that are cut off, by collapsed cells or the markers of one player, may be claimed: everything in
              them is eliminated to your credit, and the claim costs the cap of a stack outside

A stack belongs to the owner of its top ring; its cap is the run of that player's rings from the top down.
Who has no stack and no ring to place, but markers, may recover: slide a marker into a line, paid with a buried ring.
Who can do nothing, but has a stack, must eliminate the cap of one."""
