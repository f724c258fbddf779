"""What holds a load up: by counters that were recorded on the real engine, and by some that are made up."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from app.box.process_work import ProcessWork, ThreadWork
from app.box.sockets import Traffic
from app.core.bottleneck import Bottleneck, LoadReading, bottleneck
from app.text.address import Address

WORKER = Address("127.0.0.2", 50052)
Counters = tuple[float, int, int, float, float, float, bool, int]
"""When; bytes acknowledged, unsent; seconds busy, refused; seconds on a core; in state D; bytes read."""

THROTTLED_LINK: tuple[Counters, ...] = (
    (0.5, 6837003, 835496, 0.288, 0.004, 0.05, False, 28672),
    (1.012, 18972691, 842736, 0.8, 0.004, 0.07, False, 28672),
    (1.528, 31315443, 1494336, 1.316, 0.004, 0.07, False, 28672),
    (2.057, 44163547, 2073536, 1.852, 0.004, 0.08, False, 28672),
    (2.585, 56581595, 1752080, 2.372, 0.004, 0.08, False, 28672),
    (3.127, 69487619, 2083672, 2.916, 0.004, 0.08, False, 28672),
)
"""106 MB over a link of 200 Mbit/s (`tc qdisc add dev near root tbf`), the file in memory already."""
SLOW_RECEIVER: tuple[Counters, ...] = (
    (1.004, 8267216, 3348866, 0.356, 0.312, 0.04, False, 0),
    (1.513, 21064384, 4172162, 0.864, 0.812, 0.05, False, 0),
    (2.021, 33730728, 3489207, 1.372, 1.316, 0.05, False, 0),
    (2.525, 47669232, 3367616, 1.876, 1.82, 0.05, False, 0),
    (3.03, 61813560, 2843752, 2.388, 2.308, 0.06, False, 0),
    (3.549, 75621098, 4162787, 2.9, 2.8, 0.06, False, 0),
)
"""The same to a program on loopback that pauses between its reads."""
SLOW_DISK: tuple[Counters, ...] = (
    (0.5, 0, 0, 0.0, 0.0, 0.03, True, 33886208),
    (1.006, 0, 0, 0.0, 0.0, 0.04, True, 50597888),
    (1.511, 0, 0, 0.0, 0.0, 0.04, True, 67112960),
    (2.021, 0, 0, 0.0, 0.0, 0.04, True, 67112960),
    (2.525, 0, 0, 0.0, 0.0, 0.04, True, 83890176),
    (3.034, 0, 0, 0.0, 0.0, 0.04, True, 100667392),
)
"""The same from a disk of 25 MB/s (`blkio.throttle.read_bps_device`): llama-server reads all of it first."""

BUSY_CORE: tuple[Counters, ...] = (
    (0.508, 0, 0, 0.0, 0.0, 0.496, False, 0),
    (1.024, 0, 0, 0.0, 0.0, 1.013, False, 0),
    (1.552, 0, 0, 0.0, 0.0, 1.514, False, 0),
    (2.073, 0, 0, 0.0, 0.0, 2.069, False, 0),
    (2.59, 0, 0, 0.0, 0.0, 2.616, False, 0),
    (3.164, 0, 0, 0.0, 0.0, 3.114, False, 0),
)
"""1.7 GB that are in memory already, which llama-server maps in one thread, on a box with much else to do."""


def read(counters: Iterable[Counters]) -> list[LoadReading]:
    return [
        LoadReading(
            at_s,
            {WORKER: Traffic(acknowledged, unsent, busy_s, refused_s)},
            ProcessWork((ThreadWork(1, core_s, waits), ThreadWork(2, 0.0, waits_for_disk=False)), read_bytes),
        )
        for at_s, acknowledged, unsent, busy_s, refused_s, core_s, waits, read_bytes in counters
    ]


def at_each_half_second(*per_look: float, unsent: int = 0, waits: bool = False) -> list[LoadReading]:
    """Six looks; `per_look` has the seconds busy, refused and on a core, and the bytes read."""
    busy_s, refused_s, core_s, read_bytes = per_look
    return read(
        (n / 2, n, unsent, n * busy_s, n * refused_s, n * core_s, waits, int(n * read_bytes))
        for n in range(6)
    )


@pytest.mark.parametrize(
    ("recorded", "word"),
    [(THROTTLED_LINK, "network"), (SLOW_RECEIVER, "worker"), (SLOW_DISK, "disk"), (BUSY_CORE, "one core")],
    ids=["link", "receiver", "disk", "core"],
)
def test_what_was_slow_is_named(recorded: tuple[Counters, ...], word: str) -> None:
    assert bottleneck(read(recorded)) == word


@pytest.mark.parametrize(
    ("readings", "found"),
    [
        (at_each_half_second(0.3, 0.0, 0.48, 0), Bottleneck.ONE_CORE),
        (at_each_half_second(0.5, 0.0, 0.48, 0, unsent=9), Bottleneck.ONE_CORE),
        (at_each_half_second(0.5, 0.2, 0.1, 0, unsent=9), Bottleneck.NETWORK),
        (at_each_half_second(0.5, 0.3, 0.1, 0, unsent=9), Bottleneck.WORKER),
        (at_each_half_second(0.5, 0.0, 0.1, 0), None),
        (at_each_half_second(0.3, 0.0, 0.1, 0, unsent=9), None),
        (at_each_half_second(0.1, 0.0, 0.1, 4096, waits=True), Bottleneck.DISK),
        (at_each_half_second(0.5, 0.0, 0.1, 4096, waits=True), Bottleneck.DISK),
        (at_each_half_second(0.1, 0.0, 0.1, 0, waits=True), None),
        (at_each_half_second(0.1, 0.0, 0.1, 4096), None),
        (at_each_half_second(0.0, 0.0, 0.0, 0), None),
    ],
    ids=[
        "a core in full",
        "a core in full, though the connection is too",
        "full, and mostly for want of a way",
        "full, and mostly for want of room",
        "always something on a long way, and nothing that could not set out",
        "half of the time nothing to send",
        "waits and reads",
        "waits and reads, over a long way",
        "waits for something else",
        "reads ahead of itself",
        "waits for an answer",
    ],
)
def test_a_word_only_where_the_numbers_show_it(readings: list[LoadReading], found: Bottleneck | None) -> None:
    assert bottleneck(readings) is found


def test_nothing_is_said_too_early_or_of_unknown_counters() -> None:
    link = read(THROTTLED_LINK)
    assert bottleneck([]) is None
    assert bottleneck(link[:3]) is None
    assert bottleneck([LoadReading(r.at_s / 10, r.traffic, r.work) for r in link]) is None
    assert bottleneck([LoadReading(r.at_s, None, None) for r in link]) is None
    assert bottleneck([LoadReading(r.at_s, r.traffic, None) for r in link]) is Bottleneck.NETWORK


def test_a_thread_that_begins_meanwhile_counts_from_nothing() -> None:
    threads = [((ThreadWork(1, 50.0, waits_for_disk=False),), 0)] * 5
    works = [ProcessWork(known, read_bytes) for known, read_bytes in threads]
    works[-1] = ProcessWork((*works[0].threads, ThreadWork(2, 1.9, waits_for_disk=False)), 0)
    assert bottleneck([LoadReading(n / 2, {}, w) for n, w in enumerate(works)]) is Bottleneck.ONE_CORE
