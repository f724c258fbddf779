"""The bars of a plan, and what a line says of a backend with several devices or none that is used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.plan import Plan, PlannedDevice
from app.text.address import Address
from app.text.units import GIB, MIB
from app.ui.plan_lines import Shown, column_heads, plan_lines
from app.ui.widgets.bars import divided

HERE = Address("10.0.0.1", 50052)


@given(st.lists(st.integers(0, 2**50), min_size=4, max_size=4), st.integers(4, 200))
def test_a_bar_is_as_wide_as_it_is_and_hides_nothing(sizes: list[int], width: int) -> None:
    cells = divided(sizes, width)
    assert sum(cells) == (width if any(sizes) else 0)
    assert [bool(cell) for cell in cells] == [bool(size) for size in sizes]


def test_its_parts_are_in_proportion() -> None:
    assert divided([50, 25, 25, 0], 20) == [10, 5, 5, 0]
    assert divided([10_000, 1, 1, 1], 20) == [17, 1, 1, 1]


@pytest.mark.parametrize("width", [130, 70, 52, 36])
def test_devices_of_one_backend_are_told_apart_and_every_line_fits(width: int) -> None:
    rows = (
        PlannedDevice(HERE, 0, 3, 0, 3 * GIB, GIB, 128 * MIB, 24 * GIB, latency_ms=0.4),
        PlannedDevice(HERE, 1, 0, 3, 0, 0, 0, 8 * GIB, latency_ms=0.4),
    )
    lines = plan_lines(Shown(Plan(rows, 512, "f16", "f16", 0, (), ("It fits.",))), width)
    first, second, *_ = (line.text.plain for line in lines)
    assert first.startswith("  10.0.0.1:50052 /0")
    assert second.startswith("  10.0.0.1:50052 /1")
    assert "no layer" in lines[1].details
    drawn = [row for line in lines for row in line.text.plain.split("\n")]
    assert max(map(len, (*drawn, column_heads(width)))) <= width
