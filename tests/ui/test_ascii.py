"""Signs for a terminal that has only those of ASCII: same width, no exception, whatever the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from app.config.settings import Signs
from app.ui.ascii import SIGNS, ascii_text, draws_only_ascii


def test_every_sign_keeps_its_width() -> None:
    assert {sign: len(plain) for sign, plain in SIGNS.items() if cell_len(sign) != len(plain)} == {}


def test_frames_states_and_foreign_text() -> None:
    assert ascii_text("╭─ Chat ─╮│● ready…") == "+- Chat -+|* ready."
    assert ascii_text("日本 é") == "???? ?"


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Mn", "Me", "Cf"))))
def test_any_text_comes_out_in_ascii(text: str) -> None:
    assert ascii_text(text).isascii()


@pytest.mark.parametrize(
    ("wanted", "environment", "ascii_alone"),
    [
        ("auto", {"LC_ALL": "C"}, True),
        ("auto", {"LANG": "POSIX"}, True),
        ("auto", {"LC_ALL": "", "LC_CTYPE": "de_DE.ISO-8859-1", "LANG": "C.UTF-8"}, True),
        ("auto", {"LANG": "en_GB.utf8"}, False),
        ("auto", {"LC_ALL": "C.UTF-8", "LANG": "C"}, False),
        ("auto", {}, False),
        ("ascii", {"LANG": "C.UTF-8"}, True),
        ("unicode", {"LC_ALL": "C"}, False),
    ],
)
def test_which_signs_are_drawn(wanted: Signs, environment: dict[str, str], ascii_alone: bool) -> None:
    assert draws_only_ascii(wanted, environment) is ascii_alone
