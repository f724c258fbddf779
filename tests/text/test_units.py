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
    ],
)
def test_counts(text: str, count: int) -> None:
    assert parse_count(text) == count


@given(st.text())
def test_any_text_is_a_count_or_none(text: str) -> None:
    assert parse_count(text) is None or parse_count(text) >= 0  # type: ignore[operator]


def test_a_client_talks_to_its_own_major_and_no_newer_minor() -> None:
    ours = ProtocolVersion(7, 1, 0)
    accepted = [(7, 1, 9), (7, 0, 0)]
    refused = [(7, 2, 0), (6, 1, 0), (8, 0, 0)]
    assert all(ours.accepts(ProtocolVersion(*version)) for version in accepted)
    assert not any(ours.accepts(ProtocolVersion(*version)) for version in refused)
