"""How figures are written: how long a model stays, and what has moved noticeably."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.pool import Node
from app.core.pulls import Pull
from app.ollama.client import LoadedModel
from app.text.units import GIB, MIB
from app.ui.expiry import expiry_text, next_change_s
from app.ui.panes.node_rows import columns, latency_sparks, vram_text
from app.ui.pull_text import pull_line, share_text
from app.ui.steady import Steady
from app.ui.widgets.bars import bar

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left_s", "text"),
    [
        (-5, "now"),
        (0.5, "now"),
        (45.2, "45 s"),
        (60, "1 min"),
        (299, "4 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (1e9, "kept"),
    ],
)
def test_how_long_a_model_stays(left_s: float, text: str) -> None:
    assert expiry_text(NOW + timedelta(seconds=left_s), NOW) == text


def test_nobody_knows_how_long() -> None:
    assert expiry_text(None, NOW) == "—"
    assert next_change_s([None, NOW - timedelta(seconds=1), NOW + timedelta(days=4000)], NOW) is None


@given(st.floats(0.01, 1e6))
def test_a_text_stays_until_it_is_said_to_change_and_not_longer(left_s: float) -> None:
    expires = NOW + timedelta(seconds=left_s)
    wait_s = next_change_s([expires], NOW)
    assert wait_s is not None
    text = expiry_text(expires, NOW)
    later = NOW + timedelta(seconds=max(0.0, wait_s - 0.06))
    assert expiry_text(expires, later) == text
    if text != "now":
        assert expiry_text(expires, NOW + timedelta(seconds=wait_s)) != text


@given(st.lists(st.floats(0, 100), min_size=1))
def test_what_is_shown_is_never_further_off_than_a_step(readings: list[float]) -> None:
    steady = Steady(5.0)
    for reading in readings:
        shown = steady.show(reading)
        assert shown is not None
        assert abs(shown - reading) < 5.0


def test_that_a_figure_is_known_or_not_always_shows() -> None:
    steady = Steady(5.0)
    assert [steady.show(reading) for reading in (None, 1.0, None, 2.0, 3.0)] == [None, 1.0, None, 2.0, 2.0]


def test_a_step_grows_with_its_share() -> None:
    steady = Steady(1.0, 0.5)
    assert [steady.show(ms) for ms in (0.4, 1.3, 1.5, 2.2, 2.5, 40.0, 59.0, 60.0)] == [
        0.4,
        0.4,
        1.5,
        1.5,
        2.5,
        40.0,
        40.0,
        60.0,
    ]


@pytest.mark.parametrize("width", range(40, 200, 7))
def test_columns_fit(width: int) -> None:
    chosen = columns(width, [Node("http://127.0.0.1:11434", "state")])
    assert sum(column.width for column in chosen) <= max(width, 56)
    assert {"node", "state", "ms", "requests", "loaded"} <= {column.key for column in chosen}
    if width > 130:
        assert chosen[-1].key == "error"


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (LoadedModel("m"), "—"),
        (LoadedModel("m", size=4 * GIB, vram_bytes=4 * GIB), "4.0 GiB VRAM"),
        (LoadedModel("m", size=4 * GIB, vram_bytes=GIB), "4.0 GiB 25 % VRAM"),
        (LoadedModel("m", size=4 * GIB, vram_bytes=0), "4.0 GiB CPU"),
    ],
)
def test_where_a_loaded_model_lies(model: LoadedModel, text: str) -> None:
    assert vram_text(model) == text


def test_latencies_that_waver_keep_their_bars() -> None:
    assert latency_sparks(Node("u", "o", latencies_ms=(0.4, 0.9, None, 1.2)), 5) == " ▁▁ ▁"
    assert latency_sparks(Node("u", "o", latencies_ms=(0.4, 95.0)), 2) == "▁█"


@pytest.mark.parametrize(
    ("pull", "text"),
    [
        (Pull("http://a:1", "m"), "m → a:1  waiting"),
        (
            Pull("http://a:1", "m", "pulling 12", 4 * GIB, GIB, 32 * MIB),
            "m → a:1  ━━──────── 25 %  32.0 MiB/s  96 s left  1.0 GiB of 4.0 GiB  pulling 12",
        ),
        (
            Pull("http://a:1", "m", "verifying sha256 digest", GIB, GIB, 0.0),
            "m → a:1  ━━━━━━━━━━ 100 %  1.0 GiB of 1.0 GiB  verifying sha256 digest",
        ),
    ],
)
def test_how_far_a_pull_is(pull: Pull, text: str) -> None:
    assert pull_line(pull) == text


def test_a_share_is_whole_only_when_all_is_there() -> None:
    assert share_text(Pull("u", "m", total=1000, completed=999)) == "99 %"
    assert share_text(Pull("u", "m", "pulling manifest")) == "pulling manifest"


@pytest.mark.parametrize(("share", "full"), [(-0.1, 0), (0.0, 0), (0.5, 5), (0.96, 10), (1.0, 10), (1.3, 10)])
def test_a_bar_is_as_wide_as_it_shall_be(share: float, full: int) -> None:
    assert bar(share, 10) == ("━" * full, "─" * (10 - full))
