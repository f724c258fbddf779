"""Blocks of Markdown that are too long to be drawn in one go."""

from __future__ import annotations

import re
from dataclasses import dataclass

PORTION = 1_500
"""Characters; drawing them takes some 5 ms."""

_TABLE = re.compile(r"[^\n]*\|[^\n]*\n {0,3}\|?[ :|-]*-[ :|-]*\n")
_FURTHER_ITEM = re.compile(r"\n(?=(?:[-+*]|\d{1,9}[.)]) )")


@dataclass(frozen=True, slots=True)
class Portion:
    """The first part of a block, and what has to stand before the rest of it."""

    text: str
    head: str = ""
    """Of a table, which every portion repeats."""


def first_portion(block: str) -> Portion | None:
    """What of `block` can be drawn by itself; None where it is short enough as it is.

    It ends at an item of a list, else at the end of a line, else between words: where, is known once
    PORTION characters have come and is not changed by more of them. A new row begins there.
    """
    if len(block.rstrip("\n")) <= PORTION:
        return None
    table = _TABLE.match(block.lstrip("\n"))
    head = table[0] if table is not None and len(table[0]) < PORTION // 2 else ""
    text = block[:PORTION]
    items = [found.end() for found in _FURTHER_ITEM.finditer(text)]
    line = text.rfind("\n", len(head) + 1) + 1
    word = text.rfind(" ", PORTION // 2) + 1
    end = items[-1] if items else (line if line > PORTION // 2 else word) or PORTION
    return Portion(text[:end], head)
