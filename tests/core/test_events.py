from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from app.core.events import Bus, Change, Incident, LifecycleLine, Severity
from app.llama.failure import Failure


@dataclass(frozen=True, slots=True)
class Reading(Change):
    sensor: int
    value: int

    @property
    def thing(self) -> Hashable:
        return self.sensor


@given(st.lists(st.tuples(st.integers(0, 4), st.integers())))
def test_the_newest_change_of_each_thing_is_never_lost(readings: list[tuple[int, int]]) -> None:
    bus = Bus()
    with bus.subscribe(lines=1) as mailbox:
        for sensor, value in readings:
            bus.publish(Reading(sensor, value))
        seen = mailbox.take()
    assert {r.sensor: r.value for r in seen if isinstance(r, Reading)} == dict(readings)
    assert len(seen) == len(dict(readings))


def test_a_slow_reader_loses_the_oldest_lines_and_is_told_how_many() -> None:
    bus = Bus()
    with bus.subscribe(lines=3) as mailbox:
        for number in range(10):
            bus.say("test", str(number))
        assert [event.text for event in mailbox.take() if isinstance(event, LifecycleLine)] == ["7", "8", "9"]
        assert mailbox.lost == 7


async def test_batches_wait_for_something_to_arrive() -> None:
    bus = Bus()
    with bus.subscribe() as mailbox:
        batches = mailbox.batches(at_most_hz=1000)
        first = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        assert not first.done()
        bus.publish(Reading(1, 2))
        assert await first == [Reading(1, 2)]


def test_who_has_left_gets_nothing_more() -> None:
    bus = Bus()
    with bus.subscribe() as mailbox:
        pass
    bus.say("test", "late")
    assert mailbox.take() == []


def test_who_comes_late_is_told_what_happened_before() -> None:
    bus = Bus()
    bus.say("settings", "taken over")
    bus.publish(Reading(1, 2))
    with bus.subscribe() as mailbox:
        assert [event.text for event in mailbox.take() if isinstance(event, LifecycleLine)] == ["taken over"]
        assert mailbox.take() == []


def test_an_incident_is_a_line_with_its_failure() -> None:
    bus = Bus()
    failure = Failure("A backend is gone.", "Start it again.", ("Remote RPC server crashed",))
    bus.report("coordinator", "failed: A backend is gone.", failure)
    with bus.subscribe() as mailbox:
        (incident,) = mailbox.take()
    assert isinstance(incident, Incident)
    assert (incident.failure, incident.severity) == (failure, Severity.ERROR)
    assert str(incident).endswith("coordinator failed: A backend is gone.")
