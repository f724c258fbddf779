"""Measured placements: kept, used for as long as they hold, and forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.config.settings import CoordinatorSettings, EngineSettings, PlacementSettings
from app.core.backends import Backend
from app.core.bench_steps import Speed, Trial, winner_of
from app.core.candidates import Candidate
from app.core.engines import Engines
from app.core.measured_plans import MeasuredPlans
from app.core.plan import Plan, Split
from app.core.planning import AS_SET, Change, Planning
from app.core.winners import KEPT, Contest, Winner, Winners
from app.llama.engine import Engine
from app.text.problem import Problem
from tests.core.test_candidates import THREE, A, B, C, gpu
from tests.support.models import LLAMA_70B, write_llama

ENGINE = Engine(Path("llama-server"), None, None, "PATH", "b11434", 11434, frozenset(), supports_rpc=True)
SPLIT: Split = ((C, (50,)), (B, (31,)))


def won(contest: Contest, split: Split = SPLIT) -> Winner:
    return Winner(contest, datetime(2026, 11, 28, tzinfo=UTC), split, 8192, 12.34, 100.0, 4)


def contest(number: int = 0) -> Contest:
    return Contest(f"/models/{number}.gguf", 1, 2, (A, B), "b11434", "f16", "f16")


@pytest.fixture
def winners(tmp_path: Path) -> Winners:
    return Winners(tmp_path / "state" / "winners.json")


def test_the_newest_winner_of_a_contest_counts(winners: Winners) -> None:
    assert winners.of(contest()) is None
    winners.keep(won(contest()))
    winners.keep(won(contest(1)))
    newer = won(contest(), SPLIT[::-1])
    winners.keep(newer)
    assert winners.of(contest()) == newer
    assert winners.of(contest(1)) == won(contest(1))
    for other in (
        msgspec.structs.replace(contest(), size=3),
        msgspec.structs.replace(contest(), modified_ns=3),
        msgspec.structs.replace(contest(), workers=(A,)),
        msgspec.structs.replace(contest(), engine="b11435"),
        msgspec.structs.replace(contest(), k="q8_0"),
    ):
        assert winners.of(other) is None
    assert winners.forget(Path(contest().file)) == 1
    assert winners.forget(Path(contest().file)) == 0
    assert winners.of(contest()) is None
    assert winners.of(contest(1)) is not None


def test_the_oldest_are_dropped(tmp_path: Path, winners: Winners) -> None:
    kept = [won(contest(number)) for number in range(KEPT)]
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "winners.json").write_bytes(msgspec.json.encode(kept))
    winners.keep(won(contest(KEPT)))
    assert winners.of(contest(0)) is None
    assert winners.of(contest(1)) is not None
    assert winners.of(contest(KEPT)) is not None


WHOLE = msgspec.json.encode([won(contest())])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.binary(max_size=200).filter(lambda content: content.split() not in ([b"[]"], [b"[", b"]"]))
    | st.integers(0, len(WHOLE) - 1).map(lambda end: WHOLE[:end])
)
def test_a_file_that_is_damaged_is_told_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "winners.json"
    file.write_bytes(content)
    for use in (
        lambda: Winners(file).of(contest()),
        lambda: Winners(file).keep(won(contest())),
        lambda: Winners(file).forget(Path("/models/0.gguf")),
    ):
        with pytest.raises(Problem, match="is damaged"):
            use()
    assert file.read_bytes() == content


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "winners.json").mkdir()
    with pytest.raises(Problem, match="cannot be read"):
        Winners(tmp_path / "winners.json").of(contest())


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return write_llama(tmp_path / "70b.gguf", LLAMA_70B)


@pytest.fixture
def plans(tmp_path: Path, winners: Winners) -> MeasuredPlans:
    engines = Engines(EngineSettings(), tmp_path, tmp_path, {})
    engines._found = ENGINE
    return MeasuredPlans(Planning(PlacementSettings(), CoordinatorSettings()), winners, engines)


async def planned(
    plans: MeasuredPlans, file: Path, backends: tuple[Backend, ...] = THREE, change: Change = AS_SET
) -> Plan:
    plan = await plans.plan(file, backends, change)
    assert isinstance(plan, Plan)
    return plan


async def keep(plans: MeasuredPlans, file: Path, split: Split = SPLIT) -> None:
    here = await plans.contest(file, await planned(plans, file), THREE)
    assert here is not None
    plans.winners.keep(won(here, split))


async def test_a_model_is_placed_as_was_measured_and_a_what_if_is_not(
    plans: MeasuredPlans, large: Path
) -> None:
    before = await planned(plans, large)
    await keep(plans, large)
    after = await planned(plans, large)
    assert (after.split, after.context) == (SPLIT, before.context)
    assert after.reasons[-1] == "Measured on 2026-11-28: 12.3 t/s, the fastest of 4 tried."
    assert "On 2 backends, in the order and with the layers that were given." in after.reasons
    assert after.backends == (C, B)
    assert [(one.address, one.reason) for one in after.excluded] == [
        (A, "The model fits on 2 backends with faster links.")
    ]
    assert await planned(plans, large, change=Change(context=8192)) == before
    assert before.split != SPLIT


async def test_it_counts_no_more_where_anything_is_otherwise(plans: MeasuredPlans, large: Path) -> None:
    await keep(plans, large)
    assert (await planned(plans, large)).split == SPLIT
    assert (await planned(plans, large, THREE[1:])).split != SPLIT, "other workers"
    fuller = (*THREE[:2], gpu(C, 25, 0.4))
    assert (await planned(plans, large, fuller)).split != SPLIT, "it does not fit any more"
    plans.planning.coordinator = replace(plans.planning.coordinator, cache_k="q8_0")
    assert (await planned(plans, large)).split != SPLIT, "another type of cache"


async def test_another_build_of_the_engine_is_another_contest(
    plans: MeasuredPlans, large: Path, tmp_path: Path
) -> None:
    await keep(plans, large)
    for engine in (replace(ENGINE, version="b11435"), replace(ENGINE, version=None)):
        engines = Engines(EngineSettings(), tmp_path, tmp_path, {})
        engines._found = engine
        others = MeasuredPlans(plans.planning, plans.winners, engines)
        assert (await planned(others, large)).split != SPLIT


async def test_a_damaged_file_keeps_nobody_from_planning(
    plans: MeasuredPlans, large: Path, tmp_path: Path
) -> None:
    before = await planned(plans, large)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "winners.json").write_text("[")
    after = await planned(plans, large)
    assert after.rows == before.rows
    assert "is damaged" in after.reasons[-1]


def trial(name: str, rate: float | None) -> Trial:
    candidate = Candidate(name, Plan((), 8192, "f16", "f16", 0, (), ()))
    return Trial(candidate, 1.0, None if rate is None else Speed(rate, None, rate, rate, 5))


def test_the_fastest_wins_but_by_noise_nobody() -> None:
    assert winner_of([]) is None
    assert winner_of([trial("as planned", None), trial("other", None)]) is None
    for rates, place in (
        ((10.0, 10.2), 0),
        ((10.0, 10.4), 1),
        ((10.0, 9.0), 0),
        ((10.0, 11.0, 12.0), 2),
        ((None, 9.0), 1),
    ):
        trials = [trial(str(number), rate) for number, rate in enumerate(rates)]
        assert winner_of(trials) is trials[place], rates


def test_a_rate_that_the_planned_one_has_reached_itself_is_not_faster() -> None:
    uneven = replace(trial("as planned", 10.0), speed=Speed(10.0, None, 7.0, 14.0, 5))
    assert winner_of([uneven, trial("other", 13.0)]) is uneven
    faster = trial("other", 15.0)
    assert winner_of([uneven, faster]) is faster
