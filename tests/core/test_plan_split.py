"""Plans with layers that were given: as they are, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from app.core.backends import Backend
from app.core.plan import Plan, Split, Wish
from app.core.planner import plan_placement, plan_split
from app.rpc.probe import BackendState
from tests.core.test_planner import MODEL, WISH, address, backend, why, worker
from tests.core.test_planner_properties import clusters, few, models, plain
from tests.support.planned import Model

THREE = (backend(1, 20), backend(2, 10, 12), backend(3, 24))
GIVEN: Split = ((address(3), (12,)), (address(2), (0, 8)), (address(1), (12,)))


def test_the_layers_are_where_they_were_given() -> None:
    found = plan_split(MODEL, WISH, GIVEN, (*THREE, backend(4, 24)))
    assert found is not None
    assert found.split == GIVEN
    assert found.tensor_split == (12, 0, 8, 12)
    assert [row.first_layer for row in found.rows] == [0, 12, 12, 20]
    assert all(row.free_after >= WISH.margin_bytes for row in found.rows if row.layers)
    assert why(found.excluded, 4) == "The model fits on 3 backends."
    assert "On 3 backends, in the order and with the layers that were given." in found.reasons


@pytest.mark.parametrize(
    ("split", "backends"),
    [
        (((address(3), (31,)), (address(1), (1,))), THREE),
        (GIVEN, THREE[1:]),
        (GIVEN, (replace(THREE[0], state=BackendState.BUSY), *THREE[1:])),
        (GIVEN, (THREE[0], backend(2, 22), THREE[2])),
        (GIVEN[:2], THREE),
        ((*GIVEN[:2], (address(1), (13,))), THREE),
        (GIVEN, (backend(1, 13), *THREE[1:])),
    ],
    ids=["too many on one", "gone", "busy", "other devices", "too few layers", "too many layers", "no room"],
)
def test_what_has_no_place_as_given_is_no_plan(split: Split, backends: tuple[Backend, ...]) -> None:
    assert plan_split(MODEL, WISH, split, backends) is None


def test_who_is_left_out_has_no_part_in_it() -> None:
    assert plan_split(MODEL, replace(WISH, left_out=frozenset({address(1)})), GIVEN, THREE) is None


def test_the_memory_of_a_box_is_shared_among_those_that_are_named() -> None:
    box = [worker("10.0.0.1", port, 60) for port in (1, 2, 3)]
    both: Split = ((address(1, 2), (16,)), (address(1, 1), (16,)))
    found = plan_split(MODEL, WISH, both, box)
    assert found is not None
    assert {row.free_before for row in found.rows} == {box[0].devices[0].free_bytes // 2}
    lopsided: Split = ((address(1, 2), (30,)), (address(1, 1), (2,)))
    assert plan_split(MODEL, WISH, lopsided, box) is None


@few
@given(models, plain, clusters(most=6, most_devices=1))
def test_a_plan_is_the_same_when_it_is_given(model: Model, wish: Wish, backends: list[Backend]) -> None:
    planned = plan_placement(model, wish, backends)
    if isinstance(planned, Plan):
        again = plan_split(model, wish, planned.split, backends)
        assert again is not None
        assert again.rows == planned.rows


@few
@given(models, plain, clusters(most=6))
def test_in_another_order_no_device_holds_more_than_it_has(
    model: Model, wish: Wish, backends: list[Backend]
) -> None:
    planned = plan_placement(model, replace(wish, every=True), backends)
    turned = planned.split[::-1] if isinstance(planned, Plan) else ()
    found = plan_split(model, wish, turned, backends)
    if found is None:
        return
    assert found.split == turned
    assert sum(row.layers for row in found.rows) == len(model.layers) + 1
    seen = {each.address: each for each in backends}
    for row in found.rows:
        assert row.free_before <= seen[row.backend].devices[row.device].free_bytes
        assert row.layers == 0 or row.free_after >= wish.margin_bytes
