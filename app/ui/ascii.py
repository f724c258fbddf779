# ruff: noqa: RUF001  the signs are what this is about
"""The signs of the screen in ASCII, for a terminal that can draw no others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from app.config.settings import Signs


_HORIZONTAL = "─━┄┅┈┉╌╍═╴╶╸╺╼╾"
_VERTICAL = "│┃┆┇┊┋╎╏║╵╷╹╻╽╿"
_FRAMES = {
    **dict.fromkeys(map(chr, range(0x2500, 0x2580)), "+"),
    **dict.fromkeys(_HORIZONTAL, "-"),
    **dict.fromkeys(_VERTICAL, "|"),
}
_BLOCKS = {
    **dict.fromkeys(map(chr, range(0x2580, 0x25A0)), "#"),
    **dict(zip("▁▂▃▄▅▆▇█", "_.-:=+*#", strict=True)),
    **dict.fromkeys("▌▍▎▏▐▕", "|"),
    **dict(zip("▔░▒▓", "-.:%", strict=True)),
}
_SIGNS = {
    **dict(zip("←→↑↓↵⏎⇒⇐", "<>^v<<><", strict=True)),
    **dict(zip("▶▸▹▷►◀◂◃◁◄▲▴△▼▾▽❯❮›‹", ">>>>><<<<<^^^vvv><><", strict=True)),
    **dict(zip("●•○◦◌◍◉◎◆◇■□▪▫∙·⋅", "**oooo*o*o#o*o...", strict=True)),
    **dict(zip("…–—−×÷±≈≤≥≠✓✔✗✘", ".---x/+~<>!vvxx", strict=True)),
    **dict(zip("‘’“”«»\u00a0\u2007\u2009\u202f", "''\"\"<>    ", strict=True)),
    **dict.fromkeys(map(chr, range(0x2801, 0x2900)), ":"),
    "\u2800": " ",
}
SIGNS: dict[str, str] = _FRAMES | _BLOCKS | _SIGNS
"""What stands for each sign; both take one cell."""

_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_KNOWN = re.compile(f"([{re.escape(''.join(SIGNS))}]+)")
_TABLE = str.maketrans(SIGNS)


def ascii_text(text: str) -> str:
    """`text` in ASCII alone, cell by cell as wide; `?` stands for what has no likeness."""
    return text if text.isascii() else _FOREIGN.sub(_likeness, text)


def draws_only_ascii(wanted: Signs, environment: Mapping[str, str]) -> bool:
    """Whether the screen is to be drawn in ASCII; `auto` follows the locale of the environment."""
    if wanted != "auto":
        return wanted == "ascii"
    named = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((value for value in named if value), None)
    # Where nothing is named at all, as in most containers, the terminal outside is nearly always of UTF-8.
    return locale is not None and "utf8" not in locale.casefold().replace("-", "")


def _likeness(found: re.Match[str]) -> str:
    pieces = _KNOWN.split(found.group())
    # Every second piece is of signs that have a likeness.
    return "".join(p.translate(_TABLE) if i % 2 else "?" * cell_len(p) for i, p in enumerate(pieces))
