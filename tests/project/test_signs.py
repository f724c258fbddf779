"""No sign of which terminals disagree how wide it is: no emoji, nothing of double width."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).parents[2] / "app"
REPLACES = Path("ui/ascii.py")
"""Names signs that others write, to put letters in their place; it draws none of them."""
_DRAWN_AS_EMOJI = frozenset(
    "©®‼⁉™\N{INFORMATION SOURCE}↔↕↖↗↘↙↩↪⌨⏏Ⓜ▪▫▶◀◻◼☀☁☂☃☄☎☑☘☝☠☢☣☦☪☮☯☸☹☺♀♂♟♠♣♥♦♨♻♾"
    "⚒⚔⚕⚖⚗⚙⚛⚜⚠⚧⚰⚱⛈⛏⛑⛓⛩⛰⛱⛴⛷⛸⛹✂✈✉✌✍✏✒✔✖✝✡✳✴❄❇❣❤➡⤴⤵⬅⬆⬇〰〽㊗㊙\ufe0f"
)
"""Those of ambiguous or narrow width that terminals may draw as pictures (emoji-variation-sequences.txt)."""


def test_every_sign_has_one_width() -> None:
    assert sorted(_doubtful()) == []


def test_a_doubtful_sign_would_be_found() -> None:
    assert all(map(_is_doubtful, "✔⚠\N{ROCKET}\N{FULLWIDTH LATIN SMALL LETTER A}"))
    assert not any(map(_is_doubtful, "●…—│▁█→╭·✗"))


def _doubtful() -> Iterator[str]:
    for file in APP.rglob("*.py"):
        if file.relative_to(APP) == REPLACES:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from (
                    f"{file.relative_to(APP)}:{node.lineno} {sign!r}"
                    for sign in set(node.value)
                    if _is_doubtful(sign)
                )


def _is_doubtful(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in "WF" or sign in _DRAWN_AS_EMOJI
