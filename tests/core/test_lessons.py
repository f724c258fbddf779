"""What past loads teach, and what plans make of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec

from app.config.settings import CoordinatorSettings, PlacementSettings
from app.core.backends import Backend
from app.core.lessons import LOADS, NOTHING_LEARNT, Lesson, learn
from app.core.placement_history import HeldDevice, PlacementHistory
from app.core.plan import Misfit, Plan
from app.core.planning import Planning
from app.rpc.probe import BackendState, Device
from app.text.address import Address
from app.text.units import GIB, MIB
from tests.support.models import LLAMA_8B, write_llama
from tests.support.past import NOON, device, load

FAST, SLOW = Address("10.0.0.3", 50052), Address("10.0.0.4", 50052)


def learnt(*excesses_mib: int) -> int:
    """What is kept free after loads with these, the newest first."""
    past = [load(device(FAST, excess * MIB)) for excess in excesses_mib]
    return learn(past).kept_bytes(FAST, 0) // MIB


def test_what_was_taken_beyond_the_plan_is_kept_free() -> None:
    past = [load(device(FAST, 310 * MIB), device(SLOW))]
    lessons = learn(past)
    assert lessons.of_devices == {
        (str(FAST), 0): Lesson(
            310 * MIB,
            "10.0.0.3:50052 took 310 MiB more than planned on 2026-11-27: as much is kept free.",
        )
    }
    assert (lessons.kept_bytes(FAST, 0), lessons.kept_bytes(FAST, 1)) == (310 * MIB, 0)
    assert (lessons.kept_bytes(SLOW, 0), list(lessons.sentences(SLOW))) == (0, [])


def test_a_plan_that_held_teaches_nothing() -> None:
    assert learnt(0, -500) == 0
    assert learn([load(device(FAST, MIB))]) == NOTHING_LEARNT, "the rounding of the log"
    assert learn([]) == NOTHING_LEARNT


def test_the_worst_of_the_newest_counts_and_older_ones_are_forgotten() -> None:
    assert learnt(0, 200, 300, 100) == 300
    assert learnt(*[0] * (LOADS - 1), 300) == 300
    assert learnt(*[0] * LOADS, 300) == 0


def test_loads_of_other_models_refute_nothing() -> None:
    others = [load(device(FAST, MIB), model=f"model {number}") for number in range(2 * LOADS)]
    other_context = msgspec.structs.replace(load(device(FAST)), context=512)
    past = [*others, *[other_context] * LOADS, load(device(FAST, GIB))]
    assert learn(past).kept_bytes(FAST, 0) == GIB


def test_what_was_less_of_one_kind_makes_up_for_another() -> None:
    one = device(FAST)
    assert one.actual is not None
    other = msgspec.structs.replace(one.actual, weights_bytes=11 * GIB, compute_bytes=100 * MIB)
    assert learn([load(msgspec.structs.replace(one, actual=other))]).kept_bytes(FAST, 0) == 100 * MIB


def test_another_engine_begins_anew() -> None:
    past = [load(device(SLOW), engine="b2"), load(device(FAST, GIB)), load(device(SLOW, GIB))]
    lessons = learn(past)
    assert (lessons.kept_bytes(FAST, 0), lessons.kept_bytes(SLOW, 0)) == (GIB, 0)


def test_layers_that_went_elsewhere_tell_nothing_of_memory() -> None:
    one = device(FAST, GIB)
    assert one.actual is not None
    dealt_otherwise = msgspec.structs.replace(one, actual=msgspec.structs.replace(one.actual, layers=9))
    unused = device(FAST, GIB, layers=0)
    assert learn([load(dealt_otherwise), load(unused)]) == NOTHING_LEARNT


def test_a_device_that_received_nothing_is_told() -> None:
    nothing = HeldDevice(str(FAST), 1, device(FAST).planned, None)
    lessons = learn([load(nothing), load(device(FAST, GIB, index=1))])
    assert list(lessons.sentences(FAST)) == [
        "10.0.0.3:50052, device 1, received nothing of the 8 layers planned on 2026-11-27. 10.0.0.3:50052, "
        "device 1, took 1.0 GiB more than planned on 2026-11-27: as much is kept free."
    ]
    assert lessons.kept_bytes(FAST, 1) == GIB
    held_since = load(device(FAST, index=1))
    assert learn([held_since, load(nothing)]) == NOTHING_LEARNT


def gpu(address: Address, free_bytes: int, latency_ms: float) -> Backend:
    device = Device(0, total_bytes=free_bytes + GIB, free_bytes=free_bytes)
    return Backend(address, "state", BackendState.FREE, devices=(device,), latency_ms=latency_ms)


async def test_a_plan_that_fitted_to_the_last_byte_goes_elsewhere_after_a_lesson(tmp_path: Path) -> None:
    model = write_llama(tmp_path / "8b.gguf", LLAMA_8B)
    history = PlacementHistory(tmp_path / "placements.jsonl")
    planning = Planning(PlacementSettings(margin_gib=1.0), CoordinatorSettings(), history)
    roomy = await planning.plan(model, [gpu(FAST, 80 * GIB, 0.2)])
    [row] = roomy.rows
    fast, slow = gpu(FAST, row.held_bytes + GIB, 0.2), gpu(SLOW, 80 * GIB, 9.0)

    before = await planning.plan(model, [fast, slow])
    assert isinstance(before, Plan)
    assert before.backends == (FAST,)
    assert before.rows[0].free_after == GIB

    history.add(load(device(FAST, 310 * MIB), at=NOON + timedelta(days=1)))
    lesson = "10.0.0.3:50052 took 310 MiB more than planned on 2026-11-28: as much is kept free."
    after = await planning.plan(model, [fast, slow])
    assert isinstance(after, Plan)
    assert after.backends == (SLOW,)
    [left_out] = after.excluded
    assert (left_out.address, left_out.reason) == (FAST, f"The model fits on 1 backend. {lesson}")
    alone = await planning.plan(model, [fast])
    assert isinstance(alone, Misfit)
    assert lesson in alone.reasons

    larger = await planning.plan(model, [replace(fast, devices=gpu(FAST, 80 * GIB, 0.2).devices)])
    assert isinstance(larger, Plan)
    [row] = larger.rows
    assert row.learnt_bytes == 310 * MIB
    assert row.free_after == row.free_before - row.held_bytes - 310 * MIB
    assert lesson in larger.reasons


async def test_a_history_that_cannot_be_read_stops_no_plan(tmp_path: Path) -> None:
    model = write_llama(tmp_path / "8b.gguf", LLAMA_8B)
    planning = Planning(PlacementSettings(), CoordinatorSettings(), PlacementHistory(tmp_path))
    assert isinstance(await planning.plan(model, [gpu(FAST, 80 * GIB, 0.2)]), Plan)
