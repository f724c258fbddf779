from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.text.units import (
    bytes_text,
    count_text,
    duration_text,
    milliseconds_text,
    parse_count,
    plural,
    rate_text,
)
from app.text.version import ProtocolVersion


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (bytes_text(0), "0 B"),
        (bytes_text(1023), "1023 B"),
        (bytes_text(1536), "1.5 KiB"),
        (bytes_text(243 * 1024**3), "243 GiB"),
        (count_text(405_853_388_800), "406B"),
        (count_text(8_030_261_248), "8.0B"),
        (count_text(999), "999"),
        (duration_text(0.34), "340 ms"),
        (duration_text(1.23), "1.2 s"),
        (duration_text(71), "71 s"),
        (duration_text(303), "5 min 3 s"),
        (duration_text(7800), "2 h 10 min"),
        (duration_text(0), "0 ms"),
        # What rounding carries over belongs to the next unit or has one figure less.
        (bytes_text(1024**2 - 1), "1.0 MiB"),
        (bytes_text(1024 * 100 - 1), "100 KiB"),
        (bytes_text(5 * 1024**5), "5120 TiB"),
        (count_text(999_999), "1.0M"),
        (count_text(99_960_000), "100M"),
        (duration_text(0.9999), "1.0 s"),
        (duration_text(9.96), "10 s"),
        (duration_text(99.7), "1 min 40 s"),
        (duration_text(3599.7), "1 h 0 min"),
        (milliseconds_text(9.96), "10"),
        (rate_text(99.96), "100 t/s"),
        (milliseconds_text(0.42), "0.4"),
        (rate_text(11.44), "11.4 t/s"),
        (plural(1, "backend"), "1 backend"),
        (plural(3, "backend"), "3 backends"),
    ],
)
def test_numbers_for_people(shown: str, text: str) -> None:
    assert shown == text


def test_what_is_not_known_is_a_dash() -> None:
    unknown = {
        bytes_text(None),
        count_text(None),
        duration_text(None),
        milliseconds_text(None),
        rate_text(None),
    }
    assert unknown == {"—"}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("13B", 13 * 10**9),
        ("494.03M", 494_030_000),
        ("1000B", 10**12),
        ("7b", 7 * 10**9),
        ("70000000000", 7 * 10**10),
        (" 1.5 T ", 15 * 10**11),
        ("0", 0),
        ("", None),
        ("B", None),
        ("-1", None),
        ("1.", None),
        ("13BB", None),
        ("9" * 400 + "B", None),
        ("\N{ARABIC-INDIC DIGIT ONE}B", None),
    ],
)
def test_counts(text: str, count: int | None) -> None:
    assert parse_count(text) == count


@given(st.text() | st.from_regex(r"[0-9]{1,20}(\.[0-9]{1,20})?[kmbtKMBT]?", fullmatch=True))
def test_any_text_is_a_count_or_none(text: str) -> None:
    count = parse_count(text)
    assert count is None or count >= 0


@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_a_count_reads_back_as_about_what_it_was(count: int) -> None:
    shown = count_text(count)
    read = parse_count(shown)
    assert read is not None
    assert abs(read - count) <= count * 0.051
    assert len(shown) <= 5


@given(st.integers(min_value=0, max_value=2**50 - 1))
def test_a_size_never_needs_more_than_four_figures(size: int) -> None:
    number, unit = bytes_text(size).split()
    assert len(number) <= 5
    assert float(number) < 1024 or (unit == "TiB" and float(number) == 1024)
    scale = 1024 ** ["B", "KiB", "MiB", "GiB", "TiB"].index(unit)
    assert abs(float(number) * scale - size) <= 0.051 * size


@given(st.floats(min_value=0, max_value=10**7))
def test_a_duration_has_no_unit_that_overflows(seconds: float) -> None:
    limits = {"ms": 999, "s": 99, "min": 59}
    words = duration_text(seconds).split()
    for number, unit in zip(words[::2], words[1::2], strict=True):
        assert float(number) <= limits.get(unit, float("inf"))


def test_a_client_talks_to_its_own_major_and_no_newer_minor() -> None:
    ours = ProtocolVersion(7, 1, 0)
    accepted = [(7, 1, 9), (7, 0, 0)]
    refused = [(7, 2, 0), (6, 1, 0), (8, 0, 0)]
    assert all(ours.accepts(ProtocolVersion(*version)) for version in accepted)
    assert not any(ours.accepts(ProtocolVersion(*version)) for version in refused)
