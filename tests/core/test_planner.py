"""Plans of a placement, by example."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from app.config.state import Remark
from app.core.backends import Backend
from app.core.memory import Memory
from app.core.plan import Excluded, Misfit, Plan, Wish
from app.core.planner import plan_placement
from app.gguf.cache import CacheType
from app.rpc.probe import BackendState, Device
from app.text.address import Address
from app.text.units import GIB, MIB
from tests.support.planned import Model

MODEL = Model((GIB,) * 31)
"""32 layers; with caches at 8,192 tokens, and the output, 33.5 GiB."""
WISH = Wish(8192, CacheType.F16, CacheType.F16, margin_bytes=GIB)


def backend(
    number: int,
    *free_gib: float,
    ms: float | None = 1.0,
    state: BackendState = BackendState.FREE,
    detail: str = "",
) -> Backend:
    """One with GPUs, of which something is always in use."""
    devices = tuple(Device(i, round((gib + 1) * GIB), round(gib * GIB)) for i, gib in enumerate(free_gib))
    return Backend(address(number), "state", state, devices=devices, latency_ms=ms, detail=detail)


def address(number: int, port: int = 50052) -> Address:
    return Address(f"10.0.0.{number}", port)


def worker(host: str, port: int, gib: int, ms: float = 1.0) -> Backend:
    """One with a CPU, which claims the whole box."""
    cpu = Device(0, gib * GIB, gib * GIB)
    return Backend(Address(host, port), "state", BackendState.FREE, devices=(cpu,), latency_ms=ms)


def plan(backends: Iterable[Backend], wish: Wish = WISH, model: Model = MODEL) -> Plan:
    found = plan_placement(model, wish, backends)
    assert isinstance(found, Plan), found
    return found


def misfit(backends: Iterable[Backend], wish: Wish = WISH, model: Model = MODEL) -> Misfit:
    found = plan_placement(model, wish, backends)
    assert isinstance(found, Misfit), found
    return found


def why(excluded: Sequence[Excluded], number: int, port: int = 50052) -> str:
    (reason,) = [one.reason for one in excluded if one.address == address(number, port)]
    return reason


def test_of_several_that_hold_it_alone_the_fastest_does() -> None:
    found = plan([backend(1, 40, ms=3.0), backend(2, 40, ms=0.4), backend(3, 80, ms=0.5)])
    assert found.backends == (address(2),)
    assert found.tensor_split == (32,)
    (row,) = found.rows
    assert row.free_before == 40 * GIB
    assert row.weights_bytes == MODEL.weights_of(0, 32)
    assert row.cache_bytes == MODEL.cache_of(0, 32, 8192, CacheType.F16, CacheType.F16)
    assert row.compute_bytes == MODEL.compute_bytes(8192, has_output=True)
    assert row.free_after == 40 * GIB - row.weights_bytes - row.cache_bytes - row.compute_bytes
    assert why(found.excluded, 1) == "The model fits on 1 backend with faster links."
    assert found.host_bytes == MODEL.host_bytes
    assert (found.context, found.k, found.v) == (8192, CacheType.F16, CacheType.F16)


def test_the_fewest_share_it_evenly_with_the_fastest_first() -> None:
    found = plan([backend(1, 24, ms=3.0), backend(2, 24, ms=0.4), backend(3, 24, ms=0.5)])
    assert found.backends == (address(2), address(3))
    assert found.tensor_split == (16, 16)
    assert [row.first_layer for row in found.rows] == [0, 16]
    assert found.rows[0].compute_bytes == MODEL.compute_bytes(8192, has_output=False)
    assert "Fastest link first: 10.0.0.2:50052 (0.4 ms), 10.0.0.3:50052 (0.5 ms)." in found.reasons


def test_a_larger_device_gets_more() -> None:
    found = plan([backend(1, 12, ms=1.0), backend(2, 34, ms=2.0)])
    assert found.tensor_split[0] < 10
    used = [row.held_bytes / (row.free_before - GIB) for row in found.rows]
    assert max(used) - min(used) < 0.15


def test_a_slow_large_one_is_taken_rather_than_two_fast_small_ones() -> None:
    found = plan([backend(1, 24, ms=0.1), backend(2, 24, ms=0.1), backend(3, 48, ms=9.0)])
    assert found.backends == (address(3),)
    assert why(found.excluded, 1) == "The model fits on 1 backend."


def test_an_unmeasured_link_counts_as_the_slowest() -> None:
    found = plan([backend(1, 24, ms=None), backend(2, 24, ms=1.0), backend(3, 24, ms=2.0)])
    assert found.backends == (address(2), address(1))
    assert "The link to 10.0.0.1:50052 was not measured: it counts as the slowest." in found.reasons


def test_several_devices_of_one_backend() -> None:
    together = plan([backend(1, 24, 24)])
    assert sum(together.tensor_split) == 32
    assert min(together.tensor_split) > 10
    assert plan([backend(1, 24, 48)]).tensor_split == (0, 32)


def test_the_output_goes_where_it_fits() -> None:
    tall = Model((100 * MIB,) * 20, output_bytes=2 * GIB)
    found = plan([backend(1, 5.2, ms=0.1), backend(2, 3, ms=9.0)], model=tall)
    assert found.backends == (address(2), address(1))
    order = "10.0.0.2:50052 (9.0 ms), 10.0.0.1:50052 (0.1 ms)"
    assert f"Fastest link first, but 10.0.0.1:50052 last, for the output: {order}." in found.reasons


def test_the_memory_of_a_box_counts_once() -> None:
    two = [worker("10.0.0.1", 50052, 20, ms=2.0), worker("10.0.0.1", 50053, 20)]
    short = misfit(two)
    assert [row.backend for row in short.rows] == [address(1, 50053)]
    reason = "It is on the same box as 10.0.0.1:50053, whose memory counts once."
    assert why(short.excluded, 1) == reason
    found = plan([*two, worker("10.0.0.2", 50052, 20)])
    assert found.backends == (address(1, 50053), address(2))
    assert why(found.excluded, 1) == reason


def test_forced_workers_of_one_box_share_its_memory() -> None:
    two = [worker("10.0.0.1", port, 64) for port in (50052, 50053)]
    found = plan(two, replace(WISH, forced=frozenset(b.address for b in two)))
    assert [row.free_before for row in found.rows] == [32 * GIB, 32 * GIB]


def test_gpus_of_two_workers_on_a_box_both_count() -> None:
    gpu = backend(1, 24)
    found = plan([gpu, replace(gpu, address=address(1, 50053))])
    assert len(found.backends) == 2


def test_a_worker_on_this_box_gets_what_is_free_beside_the_coordinator() -> None:
    here = worker("127.0.0.1", 50052, 64)
    full = plan_placement(MODEL, WISH, [here], Memory(20 * GIB, 64 * GIB))
    assert isinstance(full, Misfit)
    assert full.rows[0].free_before == 20 * GIB - MODEL.host_bytes
    other_size = plan_placement(MODEL, WISH, [here], Memory(20 * GIB, 80 * GIB))
    assert isinstance(other_size, Plan), "a GPU of 64 GiB, as the box has 80"


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (None, "250 MiB stay on the coordinator's box; how much is free there is not known."),
        (Memory(None, GIB), "250 MiB stay on the coordinator's box; how much is free there is not known."),
        (Memory(GIB, GIB), "250 MiB stay on the coordinator's box, which has 1.0 GiB free."),
        (
            Memory(100 * MIB, GIB),
            "250 MiB stay on the coordinator's box, which has only 100 MiB free: it will read them again and "
            "again.",
        ),
    ],
)
def test_what_stays_on_the_box_of_the_coordinator(host: Memory | None, said: str) -> None:
    found = plan_placement(MODEL, WISH, [backend(1, 48)], host)
    assert said in found.reasons


def test_each_one_that_cannot_be_used_is_named_with_its_reason() -> None:
    mismatch = backend(1, 80, state=BackendState.MISMATCH, detail="speaks RPC 7.0.0, our engine 8.0.0")
    disabled = replace(backend(2, 80), remark=Remark(disabled=True))
    found = plan(
        [
            mismatch,
            disabled,
            replace(backend(3), state=None),
            backend(4),
            backend(5, 80),
            backend(6, 1.5, ms=9.0),
            backend(7, 80, state=BackendState.BUSY),
            backend(8, 48),
            backend(9, 24, state=BackendState.OURS),
        ],
        replace(WISH, left_out=frozenset({address(5)})),
    )
    assert found.backends == (address(8),)
    assert {int(str(one.address).split(":")[0].rpartition(".")[2]): one.reason for one in found.excluded} == {
        1: "Its state is mismatch (speaks RPC 7.0.0, our engine 8.0.0).",
        2: "It is disabled.",
        3: "It was not probed yet.",
        4: "Its devices are not known.",
        5: "You left it out.",
        6: "It cannot hold a single layer and keep 1.0 GiB free.",
        7: "Its state is busy.",
        9: "The model fits on 1 backend.",
    }


def test_a_busy_neighbour_on_the_box_is_a_doubt() -> None:
    busy = replace(worker("10.0.0.1", 50053, 64), state=BackendState.BUSY)
    found = plan([worker("10.0.0.1", 50052, 64), busy])
    assert (
        "10.0.0.1:50053 is busy on the box of 10.0.0.1:50052, which may have less free than it says."
        in found.reasons
    )


def test_a_forced_one_is_used_also_where_it_is_not_needed() -> None:
    found = plan(
        [backend(1, 80, ms=0.1), backend(2, 4, ms=9.0)], replace(WISH, forced=frozenset({address(2)}))
    )
    assert set(found.backends) == {address(1), address(2)}
    assert all(found.tensor_split)
    assert "10.0.0.2:50052 is among them because you asked for it." in found.reasons


def test_what_is_forced_and_cannot_be_used_is_said() -> None:
    forced = frozenset({address(2), address(3)})
    found = plan([backend(1, 80), backend(2, 1)], replace(WISH, forced=forced))
    assert found.backends == (address(1),)
    assert why(found.excluded, 2) == "It cannot hold a single layer and keep 1.0 GiB free."
    assert why(found.excluded, 3) == "You asked for it, but no such backend is known."


def test_every_one_gets_layers() -> None:
    four = [backend(number, 48, ms=number) for number in range(1, 5)]
    found = plan(four, replace(WISH, every=True))
    assert found.backends == tuple(b.address for b in four)
    assert max(found.tensor_split) - min(found.tensor_split) <= 3
    few_layers = plan(four, replace(WISH, every=True), Model((GIB,) * 2))
    assert few_layers.tensor_split == (1, 1, 1)
    assert why(few_layers.excluded, 4) == "No layer is left for it."


def test_the_engine_takes_so_many_devices_and_no_more() -> None:
    twenty = [backend(number, 40, ms=number) for number in range(1, 21)]
    found = plan(twenty, replace(WISH, every=True))
    assert found.backends == tuple(b.address for b in twenty[:15])
    assert why(found.excluded, 20) == "The engine takes no more than 15 devices."
    many = [backend(number, 3, 3) for number in range(1, 21)]
    assert len(misfit(many).rows) == 14
    forced = plan(twenty, replace(WISH, forced=frozenset(b.address for b in twenty)))
    assert len(forced.tensor_split) == 15


def test_a_context_beyond_what_it_was_trained_for_is_said() -> None:
    short = replace(MODEL, trained_context=4096)
    assert (
        "It was trained for a context of no more than 4,096." in plan([backend(1, 48)], model=short).reasons
    )


def test_a_misfit_says_how_far_it_goes_and_what_helps() -> None:
    two = [backend(1, 17.55, ms=0.5), backend(2, 17.55, ms=1.0)]
    short = misfit(two)
    placed = sum(row.layers for row in short.rows)
    assert placed == 30
    assert short.short_by == (
        MODEL.weights_of(placed, 32 - placed)
        + MODEL.cache_of(placed, 32 - placed, 8192, CacheType.F16, CacheType.F16)
    )
    assert [str(one) for one in short.nearest] == [
        "Context 8,192 → 3,328 fits.",
        "Cache type f16 → q5_0 fits.",
        "One more backend with 3.0 GiB free makes it fit.",
    ]
    for_context, for_cache, for_more = short.nearest
    plan(two, for_context.wish)
    misfit(two, replace(for_context.wish, context=for_context.wish.context + 256))
    plan(two, for_cache.wish)
    misfit(two, replace(WISH, k=CacheType.Q5_1, v=CacheType.Q5_1))
    assert for_more.more_bytes is not None
    plan([*two, backend(3, for_more.more_bytes / GIB)])
    misfit([*two, backend(3, for_more.more_bytes / GIB - 0.5)])


def test_what_would_not_help_is_not_suggested() -> None:
    (only,) = misfit([backend(1, 4)]).nearest
    assert only.sentence.startswith("One more backend")
    assert misfit([backend(1, 8)], replace(WISH, max_devices=1, forced=frozenset({address(1)}))).nearest == ()


def test_a_cache_that_is_small_already_stays_so() -> None:
    (suggested,) = [
        one
        for one in misfit([backend(1, 33.9)], replace(WISH, v=CacheType.Q4_0)).nearest
        if "type" in str(one)
    ]
    assert (suggested.wish.k, suggested.wish.v) == (CacheType.Q8_0, CacheType.Q4_0)
    assert str(suggested) == "Cache type f16 and q4_0 → q8_0 and q4_0 fits."


def test_without_any_backend_all_of_it_is_missing() -> None:
    short = misfit([])
    assert short.rows == ()
    assert short.short_by == MODEL.weights_of(0, 32) + MODEL.cache_of(
        0, 32, 8192, CacheType.F16, CacheType.F16
    )
    (only,) = short.nearest
    assert only.more_bytes is not None
    plan([backend(1, only.more_bytes / GIB)])
    assert "No backend can hold a layer of it." in short.reasons
