"""`MODEL [on NODE] [for TIME]`, as it is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ollama.client import KeepAlive
from app.text.problem import Problem
from app.ui.model_order import ModelOrder, order_text, parse_model_order, parse_without_time

NAMES = st.from_regex(r"[a-z][a-z0-9.-]{0,8}(:[a-z0-9][a-z0-9.]{0,5})?", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("llama3.2", ModelOrder("llama3.2")),
        ("hf.co/me/it:Q4", ModelOrder("hf.co/me/it:Q4")),
        (" m:1b  ON 10.0.0.5 ", ModelOrder("m:1b", "http://10.0.0.5:11434")),
        ("m on http://a:1 for 1h30m", ModelOrder("m", "http://a:1", "1h30m")),
        ("m for ever", ModelOrder("m", None, -1)),
        ("on on on", ModelOrder("on", "http://on:11434")),
    ],
)
def test_orders(text: str, order: ModelOrder) -> None:
    assert parse_model_order(text) == order


@pytest.mark.parametrize(
    "text",
    ["", "a b", "a on", "a for", "a for 30", "a for -1", "a on b c", "a//b", "a on ftp://x", "a\x1b"],
)
def test_what_is_no_order(text: str) -> None:
    with pytest.raises(Problem):
        parse_model_order(text)


@pytest.mark.parametrize("time", ["30m", "ever"])
def test_where_a_time_makes_no_sense(time: str) -> None:
    assert parse_without_time("a on b") == ModelOrder("a", "http://b:11434")
    with pytest.raises(Problem, match="Only loading takes a time"):
        parse_without_time(f"a for {time}")


@given(NAMES, st.integers(1, 65535), st.sampled_from(["", "5m", "2h"]))
def test_what_is_written_is_understood(name: str, port: int, time: str) -> None:
    url = f"http://10.0.0.1:{port}"
    kept: KeepAlive | None = time or None
    text = order_text(name, url) + (f" for {time}" if time else "")
    assert parse_model_order(text) == ModelOrder(name, url, kept)


@given(st.text(max_size=40))
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(Problem):
        parse_model_order(f"{text} //")
