"""What each step of a what-if makes of the one before, and the command that prints the same plan."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from click.testing import CliRunner

from app.cli import plan as command
from app.core.backends import Backend
from app.core.plan import Misfit, Plan, Suggestion, Wish
from app.core.planner import plan_placement
from app.core.planning import AS_SET, Change, Planned
from app.core.what_if import (
    LEAST_CONTEXT,
    MOST_CONTEXT,
    command_words,
    less_context,
    more_context,
    next_cache,
    parse_context,
    taken,
    toggled,
    ways_out,
)
from app.gguf.cache import CacheType
from app.rpc.probe import BackendState, Device
from app.text.address import Address
from app.text.problem import Problem
from app.text.units import GIB
from tests.support.planned import Model

NEAR, FAR, LOST = (Address(f"10.0.0.{host}", 50052) for host in (1, 2, 3))
NEEDS = Model(layers=(GIB,) * 16)


def backend(address: Address, latency_ms: float, state: BackendState = BackendState.FREE) -> Backend:
    return Backend(address, "state", state, devices=(Device(0, 25 * GIB, 24 * GIB),), latency_ms=latency_ms)


BACKENDS = (backend(NEAR, 0.4), backend(FAR, 9.0), backend(LOST, 0.1, BackendState.REFUSED))


def planned(change: Change = AS_SET, context: int = 8192) -> Planned:
    cache = change.cache or CacheType.F16
    wish = Wish(change.context or context, cache, cache, left_out=change.left_out, forced=change.forced)
    return plan_placement(NEEDS, wish, BACKENDS)


def test_a_backend_that_is_used_is_left_out_and_taken_back() -> None:
    without = toggled(AS_SET, planned(), NEAR)
    assert without == Change(left_out=frozenset({NEAR}))
    assert _backends(planned(without)) == (FAR,)
    assert toggled(without, planned(without), NEAR) == AS_SET


def test_one_that_is_not_needed_is_asked_for_and_no_more() -> None:
    assert _backends(planned()) == (NEAR,)
    both = toggled(AS_SET, planned(), FAR)
    assert both == Change(forced=frozenset({FAR}))
    assert FAR in _backends(planned(both))
    assert toggled(both, planned(both), FAR) == AS_SET


def test_one_that_cannot_be_used_cannot_be_asked_for() -> None:
    with pytest.raises(Problem, match=r"10\.0\.0\.3:50052 cannot be used\. Its state is refused\."):
        toggled(AS_SET, planned(), LOST)


def test_more_context_is_twice_as_much_and_stops_at_what_it_was_trained_for() -> None:
    contexts = [8192]
    change = AS_SET
    for _ in range(3):
        change = more_context(change, planned(change), trained=20_000)
        contexts.append(change.context or 0)
    assert contexts == [8192, 16_384, 20_000, 40_000]
    assert more_context(Change(context=MOST_CONTEXT), planned(), None).context == MOST_CONTEXT


def test_a_step_that_comes_before_the_last_was_planned_goes_on_from_it() -> None:
    stale = planned()
    assert more_context(more_context(AS_SET, stale, None), stale, None).context == 4 * 8192
    assert less_context(less_context(AS_SET, stale), stale).context == 2048
    assert next_cache(next_cache(AS_SET, stale), stale).cache is CacheType.Q5_1


def test_less_context_ends_at_the_least_that_there_is() -> None:
    assert less_context(AS_SET, planned(context=1000)).context == LEAST_CONTEXT
    assert less_context(Change(context=LEAST_CONTEXT), planned()).context == LEAST_CONTEXT


def test_caches_get_smaller_and_begin_anew() -> None:
    change, seen = AS_SET, list[str]()
    for _ in range(6):
        change = next_cache(change, planned())
        seen.append(str(change.cache))
    assert seen == ["q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "f16"]


@pytest.mark.parametrize(
    ("text", "tokens"), [("8192", 8192), (" 8,192 ", 8192), ("8k", 8192), ("32 K", 32768)]
)
def test_a_context_is_read_as_people_write_it(text: str, tokens: int) -> None:
    assert parse_context(text) == tokens


@pytest.mark.parametrize("text", ["", "0", "much", "-5", "1,2", "10000001", "8 M"])
def test_what_is_no_context_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="is not possible"):
        parse_context(text)


def test_a_way_out_makes_it_fit() -> None:
    misfit = planned(Change(context=131_072 * 4))
    assert isinstance(misfit, Misfit)
    ways = ways_out(Change(context=131_072 * 4), misfit)
    assert ways
    assert all(isinstance(planned(way), Plan) for way in ways)
    assert ways_out(AS_SET, planned()) == ()


def test_another_backend_is_no_change_nor_are_two_types_of_cache() -> None:
    wish = Wish(512, CacheType.F16, CacheType.F16)
    assert taken(AS_SET, Suggestion("A smaller context.", wish)) == Change(512, CacheType.F16)
    assert taken(AS_SET, Suggestion("One more backend.", wish, GIB)) is None
    assert taken(AS_SET, Suggestion("Smaller keys.", replace(wish, k=CacheType.Q8_0))) is None


def test_the_links_add_their_round_trips() -> None:
    both = planned(Change(forced=frozenset({NEAR, FAR})))
    assert isinstance(both, Plan)
    assert both.round_trips_ms == pytest.approx(9.4)
    unmeasured = replace(both, rows=(replace(both.rows[0], latency_ms=None), *both.rows[1:]))
    assert unmeasured.round_trips_ms is None


def test_the_command_means_the_same_change(monkeypatch: pytest.MonkeyPatch) -> None:
    change = Change(
        4096, CacheType.Q8_0, frozenset({NEAR, FAR}), frozenset({LOST}), frozenset({FAR}), every=False
    )
    words = command_words("a model:8b", change)
    assert words.startswith(
        "synaptic-tui plan 'a model:8b' --context 4096 --cache q8_0 --backends 10.0.0.1:50052,"
    )
    assert command_words("m", AS_SET) == "synaptic-tui plan m"
    assert _change_of(words, monkeypatch) == change
    assert _change_of(command_words("m", Change(every=True)), monkeypatch) == Change(every=True)


def _change_of(words: str, monkeypatch: pytest.MonkeyPatch) -> Change:
    """What the command line makes of it."""
    seen = list[Change]()

    async def told(_options: object, _name: str, change: Change, *, as_json: bool) -> int:
        seen.append(change)
        return 0

    monkeypatch.setattr(command, "_plan", told)
    CliRunner().invoke(command.plan, shlex.split(words)[2:])
    [change] = seen
    return change


def _backends(planned: Planned) -> tuple[Address, ...]:
    return tuple(dict.fromkeys(row.backend for row in planned.rows))
