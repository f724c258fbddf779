from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.backends import USABLE, Backend
from app.core.facts import ModelFacts
from app.core.models import Model, Source
from app.core.plan import Excluded, Misfit, Plan, PlannedDevice
from app.core.pool import Node
from app.core.routing import Lack, Policy, Route, Surroundings, Target, decide, decide_start
from app.rpc.probe import BackendState
from app.text.address import Address

BILLION = 10**9
GGUF = Path("/models/some.gguf")
NODE = Node("http://127.0.0.1:11434", "state", up=True)


def backend(host: str, state: BackendState = BackendState.FREE) -> Backend:
    return Backend(Address(host, 50052), "state", state)


FREE = (backend("127.0.0.2"), backend("127.0.0.3"))


def model(billions: float | None, *, path: Path | None = GGUF, problem: str | None = None) -> Model:
    parameters = None if billions is None else round(billions * BILLION)
    return Model("some:latest", Source.STORE, ModelFacts(parameters=parameters), path, problem=problem)


def route(
    billions: float | None,
    *,
    distributed: bool = True,
    nodes: tuple[Node, ...] = (),
    backends: tuple[Backend, ...] = FREE,
    path: Path | None = GGUF,
    problem: str | None = None,
    pins: dict[str, Target] | None = None,
    coordinator_problem: str | None = None,
    local_only: str | None = None,
) -> Route:
    return decide(
        model(billions, path=path, problem=problem),
        Policy(pins=pins or {}),
        Surroundings(distributed, nodes, backends, coordinator_problem, local_only),
    )


ADDRESSES = tuple(b.address for b in FREE)


@pytest.mark.parametrize(
    ("billions", "nodes", "target", "backends"),
    [
        (8, (NODE,), Target.OLLAMA, ()),
        (13, (NODE,), Target.OLLAMA, ()),
        (8, (), Target.COORDINATOR, ADDRESSES),
        (14, (NODE,), Target.OLLAMA, ()),
        (70, (NODE,), Target.OLLAMA, ()),
        (14, (), Target.COORDINATOR, ADDRESSES),
        (70.6, (NODE,), Target.COORDINATOR, ADDRESSES),
        (405, (NODE,), Target.COORDINATOR, ADDRESSES),
        (405, (), Target.COORDINATOR, ADDRESSES),
        (None, (NODE,), Target.OLLAMA, ()),
        (None, (), Target.COORDINATOR, ADDRESSES),
    ],
)
def test_the_default_policy(
    billions: float | None, nodes: tuple[Node, ...], target: Target, backends: tuple[Address, ...]
) -> None:
    chosen = route(billions, nodes=nodes)
    assert (chosen.target, chosen.backends) == (target, backends)
    assert chosen.node == (NODE.url if target is Target.OLLAMA else None)


def test_distribution_off_changes_the_choice_and_says_so() -> None:
    with_node = route(405, distributed=False, nodes=(NODE,))
    assert with_node.target is Target.OLLAMA
    alone = route(405, distributed=False)
    assert (alone.target, alone.backends) == (Target.COORDINATOR, ())
    assert any("Distribution is off" in reason for reason in alone.reasons)


def test_a_large_model_without_a_free_backend_goes_to_the_pool_or_to_this_box() -> None:
    busy = (backend("127.0.0.2", BackendState.BUSY),)
    assert route(405, backends=busy, nodes=(NODE,)).target is Target.OLLAMA
    alone = route(405, backends=busy)
    assert (alone.target, alone.backends) == (Target.COORDINATOR, ())
    assert any("127.0.0.2:50052 is left out: busy" in reason for reason in alone.reasons)


def test_only_usable_backends_are_taken_and_the_others_are_named() -> None:
    chosen = route(405, backends=(*FREE, backend("127.0.0.4", BackendState.MISMATCH)))
    assert chosen.backends == ADDRESSES
    assert any("127.0.0.4:50052 is left out: mismatch" in reason for reason in chosen.reasons)


def test_what_a_coordinator_cannot_load_goes_to_the_pool_or_nowhere() -> None:
    assert route(405, problem="It is truncated.", nodes=(NODE,)).target is Target.OLLAMA
    nowhere = route(405, problem="It is truncated.")
    assert nowhere.target is None
    assert any("It is truncated." in reason for reason in nowhere.reasons)


def test_the_reason_reads_well_in_front_of_any_problem() -> None:
    assert "No coordinator can load it. It is truncated." in route(405, problem="It is truncated.").reasons


def test_what_goes_wrong_with_a_model_is_said_where_a_coordinator_would_load_it() -> None:
    careful = Model("some", Source.PATH, ModelFacts(cautions=("It has no chat template.",)), GGUF)
    by_coordinator = decide(careful, Policy(), Surroundings(True, (), FREE))
    by_node = decide(careful, Policy(), Surroundings(True, (NODE,), FREE))
    assert by_coordinator.cautions == ("It has no chat template.",)
    assert by_node.cautions == ()


def test_without_an_engine_there_is_no_coordinator() -> None:
    nowhere = route(405, coordinator_problem="No llama-server.")
    assert nowhere.target is None
    assert any("No llama-server." in reason for reason in nowhere.reasons)


def test_an_engine_without_rpc_runs_on_this_box_alone() -> None:
    alone = route(405, local_only="It was built without RPC.")
    assert (alone.target, alone.backends) == (Target.COORDINATOR, ())


def test_a_pin_is_followed_or_nothing_is() -> None:
    to_pool, to_coordinator = {"some:latest": Target.OLLAMA}, {"some:latest": Target.COORDINATOR}
    assert route(405, pins=to_pool, nodes=(NODE,)).target is Target.OLLAMA
    assert route(1, pins=to_coordinator, nodes=(NODE,)).target is Target.COORDINATOR
    assert route(405, pins=to_pool).target is None


def test_nothing_is_decided_by_a_name() -> None:
    named_large = Model("llama3.1:405b", Source.STORE, ModelFacts(parameters=BILLION), GGUF)
    chosen = decide(named_large, Policy(), Surroundings(True, (NODE,), FREE))
    assert chosen.target is Target.OLLAMA


@given(
    billions=st.none() | st.floats(0, 2000),
    distributed=st.booleans(),
    nodes=st.sampled_from([(), (NODE,)]),
    states=st.lists(st.sampled_from(list(BackendState)), max_size=4),
    path=st.sampled_from([None, GGUF]),
    problem=st.sampled_from([None, "It is truncated."]),
)
def test_every_route_is_possible_and_has_its_reasons(
    billions: float | None,
    distributed: bool,
    nodes: tuple[Node, ...],
    states: list[BackendState],
    path: Path | None,
    problem: str | None,
) -> None:
    backends = tuple(backend(f"127.0.0.{i + 2}", state) for i, state in enumerate(states))
    chosen = route(
        billions, distributed=distributed, nodes=nodes, backends=backends, path=path, problem=problem
    )
    usable = {b.address for b in backends if b.state in USABLE}
    loadable = path is not None and problem is None
    assert chosen.reasons
    assert set(chosen.backends) <= usable
    assert not chosen.backends or (distributed and chosen.target is Target.COORDINATOR)
    assert (chosen.node is not None) == (chosen.target is Target.OLLAMA)
    assert (chosen.target is None) == (not nodes and not loadable)


PLANNED = PlannedDevice(ADDRESSES[1], 0, 5, 0, 100, 10, 10, 1000)
PLAN = Plan((PLANNED,), 512, "f16", "f16", 0, (Excluded(ADDRESSES[0], "It is slow."),), ("It fits.",))
MISFIT = Misfit((), 4096, (), (), ("It is large.",), 512, "f16", "f16", 0)


def placed(
    placement: Plan | Misfit | None,
    unplanned: str | None = None,
    serving: tuple[Address, ...] | None = None,
) -> Route:
    around = Surroundings(True, (NODE,), FREE, serving=serving, placement=placement, unplanned=unplanned)
    return decide(model(405), Policy(), around)


def test_a_plan_says_which_backends_and_why() -> None:
    chosen = placed(PLAN)
    assert (chosen.backends, chosen.placement) == ((ADDRESSES[1],), PLAN)
    assert f"{ADDRESSES[0]} is left out: It is slow." in chosen.reasons
    assert chosen.reasons[-1] == "It fits."


def test_what_does_not_fit_goes_to_the_pool() -> None:
    chosen = placed(MISFIT)
    assert (chosen.target, chosen.node) == (Target.OLLAMA, NODE.url)
    assert "It does not fit on the backends: 4.0 KiB of it have no place." in chosen.reasons


def test_why_nothing_was_planned_is_said() -> None:
    chosen = placed(None, unplanned="Its caches are not known.")
    assert chosen.backends == ADDRESSES
    assert chosen.reasons[-1] == "Its caches are not known."


def test_a_coordinator_that_serves_it_already_stays_where_it_is() -> None:
    chosen = placed(None, serving=(ADDRESSES[0],))
    assert chosen.backends == (ADDRESSES[0],)
    assert chosen.reasons[-1] == "It is running already."


def test_whoever_wants_a_coordinator_gets_one_or_a_reason() -> None:
    around = Surroundings(True, (NODE,), FREE)
    started = decide_start(model(8), around)
    assert (started.target, started.backends) == (Target.COORDINATOR, ADDRESSES)
    refused = decide_start(model(8), replace(around, placement=MISFIT))
    assert (refused.target, refused.lack) == (None, Lack.MEMORY)
