"""The pace of a sweep: never more unanswered hosts than the kernel's neighbour table bears."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from app.rpc.pace import MAX_UNANSWERED_HOSTS, Pace

KERNEL_ASKS_S = 3.0
"""Three times, one second apart."""


def full(now: float = 0.0) -> Pace:
    pace = Pace()
    for number in range(MAX_UNANSWERED_HOSTS):
        assert pace.wait_s(f"host-{number}", now) == 0
        pace.ask(f"host-{number}", now)
    return pace


def test_the_table_has_room_for_a_whole_slash_23() -> None:
    assert MAX_UNANSWERED_HOSTS >= 510
    assert full().wait_s("another", 0.1) > 0


def test_a_host_that_answered_makes_room() -> None:
    pace = full()
    pace.answered("host-7")
    assert pace.wait_s("another", 0.1) == 0


def test_time_makes_room() -> None:
    pace = full()
    wait_s = pace.wait_s("another", 1.0)
    assert 0 < wait_s < 5
    assert pace.wait_s("another", 1.0 + wait_s) == 0


def test_a_further_port_of_the_same_host_needs_no_room() -> None:
    assert full().wait_s("host-3", 0.1) == 0


def test_asking_again_keeps_the_place_for_longer() -> None:
    pace = full(now=0.0)
    pace.ask("host-0", 2.0)
    assert pace.wait_s("another", 4.0) == 0
    for number in range(MAX_UNANSWERED_HOSTS - 1):
        pace.ask(f"later-{number}", 4.0)
    assert 0 < pace.wait_s("another", 4.0) < 2, "host-0 is the next to be given up"


@given(seed=st.integers(), answering=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_there_are_never_too_many(seed: int, answering: float) -> None:
    chance, pace, now = random.Random(seed), Pace(), 0.0
    asked: dict[str, float] = {}
    for number in range(3 * MAX_UNANSWERED_HOSTS):
        host = f"host-{number}"
        now += chance.uniform(0, 0.01)
        now += pace.wait_s(host, now)
        pace.ask(host, now)
        asked[host] = now
        if chance.random() < answering:
            pace.answered(host)
            del asked[host]
        asked = {host: since for host, since in asked.items() if now - since < KERNEL_ASKS_S}
        assert len(asked) <= MAX_UNANSWERED_HOSTS
