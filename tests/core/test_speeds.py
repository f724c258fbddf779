"""How fast a coordinator was, from its requests, and when that is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.core import speeds
from app.core.events import Bus, LifecycleLine
from app.core.log_watch import LogWatch
from app.core.placement_history import Speed
from app.core.requests import Request
from app.core.speeds import SpeedKeeper, speed_of
from app.llama.log_book import LogBook
from app.text.problem import Problem
from tests.support.waiting import until

REQUEST = """\
0.01.000.000 I slot launch_slot_: id  0 | task {task} | processing task, is_child = 0
0.01.100.000 I slot print_timing: id  0 | task {task} | prompt eval time =     100.00 ms /    20 tokens (x)
0.02.100.000 I slot print_timing: id  0 | task {task} |        eval time =    1000.00 ms / {tokens} tokens (x)
0.02.200.000 I slot      release: id  0 | task {task} | stop processing: n_tokens = 50, truncated = 0
"""


def answered(tokens: int, prompt_tokens: int = 20) -> Request:
    return Request(
        1, 0, prompt_tokens=prompt_tokens, prompt_s=0.1, generated=tokens, generation_s=1.0, context=90
    )


def test_the_median_of_each_rate() -> None:
    found = speed_of("c", [answered(10), answered(12), answered(50, prompt_tokens=400)])
    assert found == Speed("c", 3, 12.0, 200.0)


def test_what_is_too_short_to_be_measured_is_not_counted() -> None:
    assert speed_of("c", []) is None
    assert speed_of("c", [Request(1, 0), answered(2, prompt_tokens=1)]) is None
    assert speed_of("c", [answered(2, prompt_tokens=100)]) == Speed("c", 1, None, 1000.0)
    assert speed_of("c", [answered(20, prompt_tokens=1)]) == Speed("c", 1, 20.0, None)


async def test_it_is_kept_while_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speeds, "KEEP_S", 0.01)
    log, bus = tmp_path / "coordinator-1.log", Bus()
    log.write_text(REQUEST.format(task=1, tokens=30))
    watch = LogWatch(bus, LogBook(log), None)
    kept: list[Speed] = []
    keeper = SpeedKeeper(bus, watch, kept.append)
    await keeper.keep()
    assert kept == [], "nothing of the log was read yet"
    tasks = [asyncio.create_task(watch.follow()), asyncio.create_task(keeper.watch())]
    await until(lambda: kept[-1:] == [Speed("coordinator-1", 1, 30.0, 200.0)])
    with log.open("a") as file:
        file.write(REQUEST.format(task=2, tokens=40))
    await until(lambda: kept[-1] == Speed("coordinator-1", 2, 35.0, 200.0))
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_what_was_written_last_is_read_before_it_is_left(tmp_path: Path) -> None:
    log, bus = tmp_path / "log", Bus()
    log.write_text("")
    watch = LogWatch(bus, LogBook(log), None)
    await watch.catch_up()
    log.write_text(REQUEST.format(task=1, tokens=30))
    await watch.catch_up()
    kept: list[Speed] = []
    await SpeedKeeper(bus, watch, kept.append).keep()
    assert kept == [Speed("log", 1, 30.0, 200.0)]


async def test_a_disk_that_is_full_is_told(tmp_path: Path) -> None:
    def full(_speed: Speed) -> None:
        raise Problem("The history cannot be written: No space left on device.", "Make room.")

    log, bus = tmp_path / "log", Bus()
    log.write_text(REQUEST.format(task=1, tokens=30))
    watch = LogWatch(bus, LogBook(log), None)
    await watch.catch_up()
    with bus.subscribe() as mailbox:
        await SpeedKeeper(bus, watch, full).keep()
        [line] = mailbox.take()
    assert isinstance(line, LifecycleLine)
    assert "No space left on device" in line.text
