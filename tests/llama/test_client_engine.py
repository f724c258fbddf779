"""The life of a coordinator on the real engine: command, process, log, placement, answers, failures."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from app.llama.client import ClientProblem, LlamaClient
from app.llama.command import rpc_server_command, tied_to_us
from app.llama.engine import Engine
from app.llama.failure import Failure, explain
from app.llama.health import Health
from app.llama.log import read_log
from app.llama.log_book import LogBook
from app.llama.log_facts import (
    CleaningUp,
    Listening,
    LogFact,
    MemoryBreakdown,
    RequestCancelled,
    RequestStarted,
)
from app.llama.log_reader import read_facts
from app.llama.process import Child
from app.text.address import Address
from app.text.answer import (
    AnswerBroken,
    AnswerPart,
    Delta,
    Finish,
    Finished,
    Message,
    PromptProgress,
    Stage,
)
from tests.llama.conftest import KEY, PATIENCE_S, Coordinate
from tests.support.engine import RpcServerFactory, free_port
from tests.support.waiting import until

ASKED = [Message("user", "A worker")]
DEAD_PORT = Address("127.0.0.9", 9)


def nothing() -> None:
    """What is done at a word of an answer, unless a test does more."""


async def answer(
    client: LlamaClient,
    *,
    asked: list[Message] = ASKED,
    at_word: Callable[[], None] = nothing,
    idle_s: float = PATIENCE_S,
    **options: object,
) -> list[AnswerPart]:
    """All parts of an answer."""
    taken = []
    async with aclosing(client.chat(asked, options=options, idle_s=idle_s)) as parts:
        async for part in parts:
            taken.append(part)
            if isinstance(part, Delta):
                at_word()
    return taken


class Left(Exception):  # noqa: N818  nothing went wrong
    """Going away in the middle of an answer."""


def leave() -> None:
    raise Left


async def until_idle(client: LlamaClient) -> None:
    """Wait until no slot is at work."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if not any(slot.is_busy for slot in await client.slots()):
                return
            await asyncio.sleep(0.01)


async def facts_until(log: Path, wanted: Callable[[LogFact], bool]) -> list[LogFact]:
    """Follow the log until it says what is wanted."""
    facts: list[LogFact] = []
    book = LogBook(log)
    async with asyncio.timeout(PATIENCE_S):
        while not any(map(wanted, facts)):
            facts += [fact for _, fact in read_facts(await book.grow())]
            await asyncio.sleep(0.01)
    return facts


async def test_from_start_to_stop_over_two_backends(
    rpc_server: RpcServerFactory, tiny_model: Path, coordinator: Coordinate
) -> None:
    workers = [rpc_server(host="127.0.0.2"), rpc_server(host="127.0.0.3")]
    async with coordinator(tiny_model, *(worker.address for worker in workers)) as running:
        seen = await facts_until(running.log, lambda fact: isinstance(fact, Listening))
        assert Listening(f"http://127.0.0.1:{running.port}") in seen
        await running.until_ready()

        placed = {device.address: device for device in running.placement()}
        assert set(placed) == {*(worker.address for worker in workers), None}
        assert all(placed[worker.address].model_bytes > 0 for worker in workers)
        assert all(placed[worker.address].kv_bytes > 0 for worker in workers)
        assert sum(device.layers or 0 for device in placed.values()) == 5

        props = await running.client.props()
        assert (props.alias, props.model_path, props.context) == ("tiny:latest", str(tiny_model), 1024)

        *parts, last = await answer(running.client, max_tokens=12)
        assert "".join(part.text for part in parts if isinstance(part, Delta)).strip()
        assert any(isinstance(part, PromptProgress) for part in parts)
        assert isinstance(last, Finished)
        assert last.timings.tokens == 12
        assert last.finish is Finish.LENGTH
        assert last.timings.generation_s
        assert last.timings.prompt_tokens

        await running.client.aclose()
        assert await running.child.stop(10) == 0
        assert not psutil.pid_exists(running.child.identity.pid)
        assert any(isinstance(fact, CleaningUp) for fact in running.facts())
    assert all(worker.alive for worker in workers)


async def test_what_the_log_says_is_what_was_planned(
    rpc_server: RpcServerFactory, tiny_model: Path, coordinator: Coordinate
) -> None:
    worker = rpc_server()
    async with coordinator(tiny_model, worker.address) as running:
        await running.until_ready()
        planned = [fact for fact in running.facts() if isinstance(fact, MemoryBreakdown)]
        assert planned[0].rows[0].endpoint == worker.address
        on_worker, here = running.placement()
        assert (on_worker.device, on_worker.layers, here.device, here.layers) == ("RPC0", 5, "CPU", 0)


async def test_the_level_that_names_layers_agrees_with_what_the_caches_betray(
    rpc_server: RpcServerFactory, tiny_model: Path, coordinator: Coordinate
) -> None:
    backends = [rpc_server(host=host).address for host in ("127.0.0.2", "127.0.0.3", "127.0.0.4")]
    layers = []
    for extra in ((), ("-lv", "5")):
        async with coordinator(tiny_model, *backends, extra=("-ts", "1,3,1", *extra)) as running:
            await running.until_ready()
            layers.append([device.layers for device in running.placement()])
    assert layers[0] == layers[1]


async def test_a_local_coordinator_keeps_everything_here(tiny_model: Path, coordinator: Coordinate) -> None:
    async with coordinator(tiny_model) as running:
        await running.until_ready()
        assert {device.address for device in running.placement()} == {None}
        assert isinstance((await answer(running.client))[-1], Finished)


async def test_nobody_without_the_key_is_answered(tiny_model: Path, coordinator: Coordinate) -> None:
    async with coordinator(tiny_model) as running:
        await running.until_ready()
        assert KEY not in " ".join(psutil.Process(running.child.identity.pid).cmdline())
        async with LlamaClient(f"http://127.0.0.1:{running.port}", "another key") as stranger:
            assert await stranger.health() is Health.READY
            with pytest.raises(ClientProblem, match="status 401"):
                await stranger.props()
            with pytest.raises(AnswerBroken, match="Invalid API Key") as broken:
                await answer(stranger)
        assert broken.value.status == 401


async def test_going_away_frees_the_slot(endless_model: Path, coordinator: Coordinate) -> None:
    async with coordinator(endless_model) as running:
        await running.until_ready()
        with pytest.raises(Left):
            await answer(running.client, at_word=leave)
        await until_idle(running.client)
        facts = await facts_until(running.log, lambda fact: isinstance(fact, RequestCancelled))
        assert any(isinstance(fact, RequestStarted) for fact in facts)
        (slot,) = await running.client.slots()
        assert slot.used is not None
        assert slot.used < slot.context


async def test_a_prompt_that_is_too_long(tiny_model: Path, coordinator: Coordinate) -> None:
    async with coordinator(tiny_model) as running:
        await running.until_ready()
        with pytest.raises(AnswerBroken, match=r"The prompt has \d{4,} tokens, but the context holds 1024"):
            await answer(running.client, asked=[Message("user", "worker " * 3000)])


async def test_a_backend_killed_in_the_middle_of_an_answer(
    rpc_server: RpcServerFactory, endless_model: Path, coordinator: Coordinate
) -> None:
    workers = [rpc_server(host="127.0.0.2"), rpc_server(host="127.0.0.3")]
    async with coordinator(endless_model, *(worker.address for worker in workers)) as running:
        await running.until_ready()
        with pytest.raises(AnswerBroken) as broken:
            await answer(running.client, at_word=workers[1].kill)
        assert broken.value.stage is Stage.DURING
        exit_code = await asyncio.wait_for(running.child.wait(), PATIENCE_S)
        assert exit_code == -signal.SIGABRT
        failure = explain(read_log(running.log), exit_code, gone=[workers[1].address])
        assert failure.suspect == workers[1].address
        assert failure.cause == f"Backend {workers[1].address} was lost while the model was in use."
        assert failure.evidence


async def test_a_stalled_backend_is_silence_and_stopping_it_still_works(
    rpc_server: RpcServerFactory, endless_model: Path, coordinator: Coordinate
) -> None:
    worker = rpc_server()
    async with coordinator(endless_model, worker.address) as running:
        await running.until_ready()
        with pytest.raises(AnswerBroken, match="has sent nothing for") as broken:
            await answer(running.client, at_word=worker.pause, idle_s=1)
        assert broken.value.stage is Stage.DURING
        assert await running.client.health() is Health.READY
        await running.client.aclose()
        assert await running.child.stop(0.2) in (1, -signal.SIGKILL, -signal.SIGABRT)


async def test_a_backend_that_says_nothing_keeps_the_port_closed(
    rpc_server: RpcServerFactory, tiny_model: Path, coordinator: Coordinate
) -> None:
    worker = rpc_server()
    worker.pause()
    async with coordinator(tiny_model, worker.address) as running:
        await asyncio.sleep(0.5)
        assert running.child.running
        assert await running.client.health() is Health.UNREACHABLE
        assert await running.child.stop(10) == -signal.SIGTERM


async def end_of(
    coordinator: Coordinate,
    model: Path,
    *backends: Address,
    extra: tuple[str, ...] = (),
    port: int | None = None,
) -> Failure:
    async with coordinator(model, *backends, extra=extra, port=port) as running:
        exit_code = await asyncio.wait_for(running.child.wait(), PATIENCE_S)
        return explain(read_log(running.log), exit_code)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


async def test_causes_in_the_model(coordinator: Coordinate, tiny_model: Path, tmp_path: Path) -> None:
    whole = await asyncio.to_thread(tiny_model.read_bytes)
    missing = tmp_path / "missing.gguf"
    text = written(tmp_path / "text.gguf", b"hello, this is no model at all")
    cut = written(tmp_path / "cut.gguf", whole[:-1000])
    header = written(tmp_path / "header.gguf", whole[:500])
    other = written(tmp_path / "other.gguf", whole.replace(b"llama", b"flurb"))
    expected = {
        missing: f"{missing} cannot be opened: No such file or directory.",
        text: f"{text} is no GGUF file.",
        cut: f"{cut} is incomplete: the data of ",
        header: f"The header of {header} is damaged.",
        other: f"{other} is of the architecture flurb, which this engine does not know.",
    }
    for model, cause in expected.items():
        failure = await end_of(coordinator, model)
        assert failure.cause.startswith(cause)
        assert failure.evidence


async def test_causes_in_the_command(coordinator: Coordinate, tiny_model: Path) -> None:
    failure = await end_of(coordinator, tiny_model, extra=("--no-such-option",))
    assert failure.cause == "This llama-server does not know the option --no-such-option."
    failure = await end_of(coordinator, tiny_model, extra=("-ngl", "lots"))
    assert failure.cause.startswith("llama-server refused the value of -ngl: ")


async def test_causes_in_the_network(
    coordinator: Coordinate, tiny_model: Path, rpc_server: RpcServerFactory
) -> None:
    failure = await end_of(coordinator, tiny_model, rpc_server().address, DEAD_PORT)
    assert failure.cause == f"Backend {DEAD_PORT} cannot be reached."
    assert failure.suspect == DEAD_PORT
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", port := free_port("127.0.0.1"))
    async with taken:
        failure = await end_of(coordinator, tiny_model, port=port)
    assert failure.cause.startswith(f"Another program has port {port} of 127.0.0.1")


async def test_an_rpc_server_of_our_own(engine: Engine, tmp_path: Path) -> None:
    assert engine.rpc_server is not None
    address = Address("127.0.0.2", free_port("127.0.0.2"))
    command = tied_to_us(rpc_server_command(engine.rpc_server, address, threads=1))
    child = await Child.start(command, environment={"PATH": "/usr/bin:/bin"}, log=tmp_path / "worker.log")
    process = psutil.Process(child.identity.pid)
    try:
        await until(lambda: any(c.laddr.port == address.port for c in process.net_connections()))
    finally:
        assert await child.stop(5) == -signal.SIGTERM
