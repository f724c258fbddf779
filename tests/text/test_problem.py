from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.text.problem import Problem, quoted


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("It is broken.", "Mend it."), "It is broken. Mend it."),
        (Problem("It is broken."), "It is broken."),
    ],
)
def test_a_problem_reads_as_its_sentence_and_its_remedy(problem: Problem, text: str) -> None:
    assert str(problem) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", "'a b'"),
        ("", "''"),
        ("\x1b[31m\n", "'\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}'"),
        ("x" * 81, f"'{'x' * 80}…'"),
        ("x" * 80, f"'{'x' * 80}'"),
    ],
)
def test_what_someone_wrote_is_quoted(text: str, shown: str) -> None:
    assert quoted(text) == shown


@given(st.text(alphabet=st.characters(), max_size=200))
def test_a_quotation_is_one_short_printable_line(text: str) -> None:
    assert quoted(text).isprintable()
    assert len(quoted(text)) <= 83
