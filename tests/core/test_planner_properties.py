"""What holds for every plan of a placement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise, permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.backends import USABLE, Backend
from app.core.lessons import Lesson, Lessons
from app.core.plan import Misfit, Plan, Wish
from app.core.planner import plan_placement
from app.gguf.cache import CacheType
from app.rpc.probe import BackendState, Device
from app.text.address import Address
from app.text.units import GIB, MIB
from tests.support.planned import Model

few = settings(max_examples=30)
"""Each of which is planned several times."""

ADDRESSES = [Address(f"10.0.{box}.1", port) for box in range(14) for port in (50052, 50053)]
links = st.none() | st.sampled_from([0.1, 0.5, 0.5, 2.0, 9.0])
devices = st.tuples(st.integers(0, 9), st.booleans()).map(
    # With nothing in use it may be the CPU of a box that several workers claim.
    lambda of: Device(0, (of[0] + (0 if of[1] else 1)) * GIB, of[0] * GIB)
)
states = st.sampled_from([BackendState.FREE] * 6 + [BackendState.OURS, BackendState.BUSY, None])
models = st.builds(
    Model,
    layers=st.lists(st.integers(1, 3 * GIB), min_size=1, max_size=12).map(tuple),
    output_bytes=st.integers(1, 4 * GIB),
    cache_per_token=st.sampled_from([0, 16 * 1024, 64 * 1024]),
    working=st.sampled_from([0, 128 * MIB]),
    logits=st.sampled_from([0, 256 * MIB]),
)


@st.composite
def clusters(draw: st.DrawFn, most: int = 5, most_devices: int = 2) -> list[Backend]:
    """Backends of which some may be on one box."""
    chosen = draw(st.lists(st.sampled_from(ADDRESSES), max_size=most, unique=True))
    return [
        Backend(
            one,
            "state",
            draw(states),
            devices=tuple(
                replace(device, index=index)
                for index, device in enumerate(draw(st.lists(devices, max_size=most_devices)))
            ),
            latency_ms=draw(links),
        )
        for one in chosen
    ]


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    some = st.frozensets(st.sampled_from(ADDRESSES), max_size=4)
    return Wish(
        draw(st.sampled_from([256, 4096, 32_768])),
        CacheType.F16,
        draw(st.sampled_from([CacheType.F16, CacheType.Q8_0])),
        left_out=draw(some),
        forced=draw(some),
        every=draw(st.booleans()),
        margin_bytes=draw(st.sampled_from([0, GIB])),
        max_devices=draw(st.sampled_from([3, 15])),
    )


lessons_of = st.dictionaries(
    st.tuples(st.sampled_from(ADDRESSES).map(str), st.integers(0, 1)),
    st.integers(0, 4 * GIB).map(lambda kept: Lesson(kept, "It took more than planned.")),
    max_size=8,
).map(Lessons)
plain = st.builds(
    Wish,
    st.sampled_from([256, 8192]),
    st.just(CacheType.F16),
    st.just(CacheType.F16),
    margin_bytes=st.just(GIB),
)


@few
@given(models, wishes(), clusters(most=14), lessons_of)
def test_the_layers_follow_one_another_and_fit(
    model: Model, wish: Wish, backends: list[Backend], lessons: Lessons
) -> None:
    found = plan_placement(model, wish, backends, lessons=lessons)
    rows = found.rows
    assert [row.first_layer for row in rows[:1]] in ([], [0])
    assert all(before.first_layer + before.layers == after.first_layer for before, after in pairwise(rows))
    placed = sum(row.layers for row in rows)
    if isinstance(found, Plan):
        assert placed == sum(found.tensor_split) == len(model.layers) + 1
    else:
        assert placed <= len(model.layers)
        assert found.short_by > 0
    seen = {backend.address: backend for backend in backends}
    for row in rows:
        assert row.free_before <= seen[row.backend].devices[row.device].free_bytes
        assert row.layers == 0 or row.free_after >= wish.margin_bytes
        assert row.layers == 0 or row.learnt_bytes == lessons.kept_bytes(row.backend, row.device)
        assert row.weights_bytes == model.weights_of(row.first_layer, row.layers)
        assert row.cache_bytes == model.cache_of(row.first_layer, row.layers, wish.context, wish.k, wish.v)
    assert len(rows) <= wish.max_devices


@few
@given(models, wishes(), clusters(most=14), lessons_of)
def test_every_backend_is_used_or_has_its_reason(
    model: Model, wish: Wish, backends: list[Backend], lessons: Lessons
) -> None:
    found = plan_placement(model, wish, backends, lessons=lessons)
    used = {row.backend for row in found.rows}
    excluded = [one.address for one in found.excluded]
    assert len(set(excluded)) == len(excluded)
    assert not used & set(excluded)
    assert used | set(excluded) == {backend.address for backend in backends} | wish.forced
    assert not used & wish.left_out
    for one in found.excluded:
        assert one.reason[0].isupper()
        assert one.reason.endswith(".")


@few
@given(models, wishes(), clusters(most=14))
def test_memory_of_a_box_is_given_away_once(model: Model, wish: Wish, backends: list[Backend]) -> None:
    claimed: dict[tuple[str, int], int] = {}
    seen = {backend.address: backend for backend in backends}
    for row in plan_placement(model, wish, backends).rows:
        device = seen[row.backend].devices[row.device]
        if device.free_bytes == device.total_bytes:
            claim = (row.backend.host, device.total_bytes)
            claimed[claim] = claimed.get(claim, 0) + row.free_before
    for (host, size), given_away in claimed.items():
        most = max(
            sum(device == replace(device, total_bytes=size, free_bytes=size) for device in backend.devices)
            for backend in backends
            if backend.address.host == host
        )
        assert given_away <= size * most


@few
@given(
    models,
    wishes(),
    clusters(most=14).flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_))),
    lessons_of,
)
def test_the_order_in_which_backends_come_changes_nothing(
    model: Model, wish: Wish, orders: tuple[list[Backend], list[Backend]], lessons: Lessons
) -> None:
    one, other = orders
    assert plan_placement(model, wish, one, None, lessons) == plan_placement(
        model, wish, other, None, lessons
    )


@few
@given(models, plain, clusters(most=8), lessons_of)
def test_what_was_learnt_is_as_much_less_memory(
    model: Model, wish: Wish, backends: list[Backend], lessons: Lessons
) -> None:
    """On GPUs: less of what a CPU has would make another device of it."""
    gpus = [replace(b, devices=tuple(d for d in b.devices if d.free_bytes < d.total_bytes)) for b in backends]
    gpus = [replace(b, devices=tuple(replace(d, index=i) for i, d in enumerate(b.devices))) for b in gpus]
    smaller = [
        replace(
            backend,
            devices=tuple(
                replace(
                    device, free_bytes=device.free_bytes - lessons.kept_bytes(backend.address, device.index)
                )
                for device in backend.devices
            ),
        )
        for backend in gpus
    ]
    with_lessons = plan_placement(model, wish, gpus, lessons=lessons)
    expected = plan_placement(model, wish, smaller)
    assert [(row.backend, row.layers) for row in with_lessons.rows] == [
        (row.backend, row.layers) for row in expected.rows
    ]


@few
@given(models, plain, clusters(most=14, most_devices=1), lessons_of)
def test_one_backend_less_never_makes_it_fit_or_leaves_less_missing(
    model: Model, wish: Wish, backends: list[Backend], lessons: Lessons
) -> None:
    found = plan_placement(model, wish, backends, lessons=lessons)
    for gone in backends:
        rest = [backend for backend in backends if backend is not gone]
        fewer = plan_placement(model, wish, rest, lessons=lessons)
        if isinstance(found, Misfit):
            assert isinstance(fewer, Misfit)
            assert fewer.short_by >= found.short_by
        elif isinstance(fewer, Plan):
            assert len(fewer.backends) >= len(found.backends)


@few
@given(models, plain, clusters(most=8, most_devices=1))
def test_what_is_not_used_does_not_matter(model: Model, wish: Wish, backends: list[Backend]) -> None:
    """But for memory that a worker claims beside its GPUs: it may count for a neighbour that is not used."""
    measured = [replace(backend, latency_ms=backend.latency_ms or 1.0) for backend in backends]
    found = plan_placement(model, wish, measured)
    used = {row.backend for row in found.rows}
    assert plan_placement(model, wish, [b for b in measured if b.address in used]).rows == found.rows


@few
@given(models, plain, clusters(most=4, most_devices=1))
def test_no_smaller_set_holds_it_in_the_order_of_the_links(
    model: Model, wish: Wish, backends: list[Backend]
) -> None:
    apart = _apart(backends)
    slowest = max((b.latency_ms for b in apart if b.latency_ms is not None), default=0.0)
    chain = sorted(apart, key=lambda b: (slowest if b.latency_ms is None else b.latency_ms, b.address))
    for fewer in _smaller_than(plan_placement(model, wish, apart), chain):
        assert not _some_division_fits(fewer, model, wish)


@few
@given(models, plain, clusters(most=4, most_devices=1))
def test_with_layers_of_one_size_no_smaller_set_holds_it_in_any_order(
    model: Model, wish: Wish, backends: list[Backend]
) -> None:
    even = replace(model, layers=model.layers[:1] * min(6, len(model.layers)))
    apart = _apart(backends)
    for fewer in _smaller_than(plan_placement(even, wish, apart), apart):
        assert not any(_some_division_fits(chain, even, wish) for chain in permutations(fewer))


@few
@given(models, plain, clusters(most=4, most_devices=1))
def test_suggestions_are_true(model: Model, wish: Wish, backends: list[Backend]) -> None:
    found = plan_placement(model, wish, backends)
    for suggested in found.nearest if isinstance(found, Misfit) else ():
        if suggested.more_bytes is None:
            assert isinstance(plan_placement(model, suggested.wish, backends), Plan)
        else:
            device = Device(0, suggested.more_bytes + GIB, suggested.more_bytes)
            for latency in (0.0, 99.0):
                new = Backend(Address("new", 50052), "state", BackendState.FREE, None, (device,), latency)
                assert isinstance(plan_placement(model, wish, [*backends, new]), Plan)


def _apart(backends: Sequence[Backend]) -> list[Backend]:
    """Those that can be used, one of each box, as its memory counts once."""
    usable = (backend for backend in backends if backend.state in USABLE and backend.devices)
    return list({backend.address.host: backend for backend in usable}.values())


def _smaller_than(found: Plan | Misfit, backends: Sequence[Backend]) -> Iterator[tuple[Backend, ...]]:
    """Every set with fewer backends than the plan has; every set, where there is none."""
    end = len(found.backends) if isinstance(found, Plan) else len(backends) + 1
    for count in range(end):
        yield from combinations(backends, count)


def _some_division_fits(chain: Sequence[Backend], model: Model, wish: Wish, first: int = 0) -> bool:
    """Every division of the layers over these backends, of one device each, is tried."""
    layers = len(model.layers) + 1
    if not chain:
        return first == layers
    room = chain[0].devices[0].free_bytes - wish.margin_bytes
    for end in range(first, layers + 1):
        held = model.weights_of(first, end - first) + model.cache_of(
            first, end - first, wish.context, wish.k, wish.v
        )
        compute = model.compute_bytes(wish.context, has_output=end == layers) if end > first else 0
        if (end == first or held + compute <= room) and _some_division_fits(chain[1:], model, wish, end):
            return True
    return False


@few
@given(models, wishes(), clusters(), lessons_of)
def test_anyway_every_layer_has_a_device_where_there_is_any(
    model: Model, wish: Wish, backends: list[Backend], lessons: Lessons
) -> None:
    found = plan_placement(model, wish, backends, None, lessons)
    forced = plan_placement(model, replace(wish, anyway=True), backends, None, lessons)
    if isinstance(found, Plan):
        assert forced == found
        return
    if isinstance(forced, Misfit):
        assert not any(
            excluded.usable and excluded.address not in wish.left_out for excluded in found.excluded
        )
        assert not found.rows
        return
    assert sum(forced.tensor_split) == len(model.layers) + 1
    assert forced.short_by > 0
    assert len(forced.tensor_split) <= wish.max_devices
