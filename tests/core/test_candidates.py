"""Which placements are worth trying."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from app.config.settings import CoordinatorSettings, PlacementSettings
from app.core.backends import Backend
from app.core.candidates import Candidate, candidates
from app.core.planning import NoPlan, Planning
from app.rpc.probe import BackendState, Device
from app.text.address import Address
from app.text.problem import Problem
from app.text.units import GIB
from tests.support.models import LLAMA_8B, LLAMA_70B, write_llama

A, B, C = (Address(f"10.0.0.{host}", 50052) for host in (1, 2, 3))


def gpu(address: Address, free_gib: int, latency_ms: float | None) -> Backend:
    device = Device(0, total_bytes=(free_gib + 1) * GIB, free_bytes=free_gib * GIB)
    return Backend(address, "state", BackendState.FREE, devices=(device,), latency_ms=latency_ms)


THREE = (gpu(A, 24, 9.0), gpu(B, 24, 0.2), gpu(C, 32, 0.4))


async def tried(
    file: Path, backends: Sequence[Backend] = THREE, count: int = 50, planning: Planning | None = None
) -> tuple[Candidate, ...]:
    by = planning or Planning(PlacementSettings(), CoordinatorSettings())
    return await candidates(partial(by.plan, file, backends), backends, count)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_llama(tmp_path / "8b.gguf", LLAMA_8B)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return write_llama(tmp_path / "70b.gguf", LLAMA_70B)


async def test_a_model_that_needs_two_is_tried_on_other_two_on_all_and_divided_otherwise(large: Path) -> None:
    found = await tried(large)
    assert [(one.name, one.plan.backends) for one in found] == [
        ("as planned", (B, C)),
        ("all backends", (B, C, A)),
        (f"without {C}", (B, A)),
        (f"without {B}", (C, A)),
        ("equal parts", (B, C)),
        ("other order", (C, B)),
    ]
    assert len({one.plan.split for one in found}) == len(found)
    assert {sum(one.plan.tensor_split) for one in found} == {81}
    assert {one.plan.context for one in found} == {8192}
    equal = found[-2].plan
    assert equal.tensor_split == (41, 40)
    assert found[0].plan.tensor_split != equal.tensor_split
    assert found[0].where == f"{B} ({found[0].plan.tensor_split[0]}), {C} ({found[0].plan.tensor_split[1]})"


async def test_a_model_that_fits_on_one_is_tried_on_the_largest_and_on_the_next_fast(small: Path) -> None:
    found = await tried(small)
    assert [(one.name, one.plan.backends) for one in found] == [
        ("as planned", (B,)),
        ("all backends", (B, C, A)),
        ("largest backend alone", (C,)),
    ]


async def test_where_all_are_wanted_the_fewest_are_tried_too(small: Path) -> None:
    planning = Planning(PlacementSettings(backends="all"), CoordinatorSettings())
    found = await tried(small, planning=planning, count=2)
    assert [(one.name, one.plan.backends) for one in found] == [
        ("as planned", (B, C, A)),
        ("fewest backends", (B,)),
    ]


async def test_the_same_backends_give_the_same_candidates_in_whatever_order_they_come(large: Path) -> None:
    found = await tried(large)
    assert await tried(large, THREE[::-1]) == found
    assert await tried(large, count=3) == found[:3]


async def test_a_context_that_is_left_open_is_the_same_for_all(small: Path) -> None:
    backends = (gpu(A, 24, 0.1), gpu(B, 9, 0.2))
    found = await tried(
        small, backends, planning=Planning(PlacementSettings(), CoordinatorSettings(context=None))
    )
    assert len(found) > 1
    assert len({one.plan.context for one in found}) == 1


async def test_one_that_was_not_measured_counts_as_the_slowest(large: Path) -> None:
    backends = (gpu(A, 24, None), gpu(B, 24, 0.2), gpu(C, 24, 9.0))
    names = [one.name for one in await tried(large, backends)]
    assert names[2:4] == [f"without {A}", f"without {B}"]


async def test_what_fits_nowhere_is_told(large: Path) -> None:
    with pytest.raises(Problem, match=r"The model does not fit: .* of it have no place"):
        await tried(large, THREE[:1])


async def test_where_layers_are_placed_by_hand_nothing_is_tried(small: Path) -> None:
    by_hand = Planning(PlacementSettings(), CoordinatorSettings(extra_arguments=("-ts", "1,1")))
    with pytest.raises(NoPlan):
        await tried(small, planning=by_hand)
