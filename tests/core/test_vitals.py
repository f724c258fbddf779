"""How often this box is read, and what is remembered of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.box.gpus import Gpu
from app.core.events import Bus
from app.core.vitals import STRETCHES, UNSEEN_S, BoxHistory, BoxWatch, VitalsRead
from tests.support.box import reading
from tests.support.waiting import DEADLINE_S, until

ONE = (Gpu(0, "A", 50.0, 1, 2, 40.0),)


@asynccontextmanager
async def watched(box: BoxWatch) -> AsyncIterator[None]:
    task = asyncio.create_task(box.watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_the_closest_look_counts() -> None:
    box = BoxWatch(Bus())
    assert box.interval_s == UNSEEN_S
    with box.looked_at(5.0):
        with box.looked_at(1.0), box.looked_at(5.0):
            assert box.interval_s == 1.0
        assert box.interval_s == 5.0
    assert box.interval_s == UNSEEN_S


async def test_who_begins_to_look_need_not_wait_as_long_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0

    def read(*_: object) -> object:
        nonlocal count
        count += 1
        return reading()

    async def no_gpus() -> tuple[Gpu, ...]:
        return ()

    monkeypatch.setattr("app.core.vitals.read_vitals", read)
    box = BoxWatch(Bus(), no_gpus)
    async with watched(box):
        await until(lambda: count == 2)
        with box.looked_at(0.01):
            await until(lambda: count >= 4)


async def test_the_processors_share_is_soon_known_though_nobody_looks() -> None:
    async def no_gpus() -> tuple[Gpu, ...]:
        return ()

    bus = Bus()
    box = BoxWatch(bus, no_gpus)
    assert box.interval_s > DEADLINE_S, "or the test could not fail"
    with bus.subscribe() as mailbox:
        async with watched(box):
            await until(lambda: box.latest is not None and box.latest.cpu_percent is not None)
        told = [event.vitals for event in mailbox.take() if isinstance(event, VitalsRead)]
    assert [vitals.cpu_percent is not None for vitals in told] == [True], "the newest alone counts"


async def test_a_driver_that_hangs_holds_up_nothing() -> None:
    called = asyncio.Event()

    async def hangs() -> tuple[Gpu, ...]:
        called.set()
        await asyncio.Event().wait()
        return ()

    box = BoxWatch(Bus(), hangs)
    with box.looked_at(0.01):
        async with watched(box):
            await called.wait()
            await until(lambda: box.latest is not None and box.latest.cpu_percent is not None)
            assert box.latest is not None
            assert box.latest.gpus is None


async def test_gpus_come_with_the_vitals() -> None:
    async def one() -> tuple[Gpu, ...]:
        return ONE

    box = BoxWatch(Bus(), one)
    with box.looked_at(0.01):
        async with watched(box):
            await until(lambda: box.latest is not None and box.latest.gpus == ONE)


def test_histories_are_bounded() -> None:
    history = BoxHistory()
    for second in range(0, 20 * STRETCHES, 5):
        history.put(second, reading(gpus=ONE))
    assert history.cpu.values == (63.0,) * STRETCHES
    assert history.memory.values == (25.0,) * STRETCHES
    assert history.gpus[0].values == (50.0,) * STRETCHES
