"""A coordinator's log, watched: lines, requests and the disk, on a file and on the real engine."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from app.core import log_watch
from app.core.chat import Conversation
from app.core.events import Bus, Incident, LifecycleLine, Severity
from app.core.log_watch import LogGrew, LogWatch
from app.core.requests import RequestState
from app.llama.engine import Engine
from app.llama.log import LogLine
from app.llama.log_book import LogBook
from app.llama.log_facts import LogFact
from app.llama.log_reader import read_facts
from app.llama.log_room import keep_newest
from app.text.answer import AnswerBroken
from tests.core.conftest import OpenCluster
from tests.core.test_coordinator_engine import to_the_end
from tests.support.engine import RpcServerFactory
from tests.support.waiting import until

SMALL = ("mode: distributed", "coordinator: {context: 512, threads: 1}")
STARTED = "0.01.000.000 I slot launch_slot_: id  0 | task 7 | processing task, is_child = 0\n"


async def test_it_reads_on_and_to_the_end(tmp_path: Path) -> None:
    log, bus = tmp_path / "log", Bus()
    log.write_text("one\n" + STARTED)
    watch = LogWatch(bus, LogBook(log), None)
    with bus.subscribe() as mailbox:
        following = asyncio.create_task(watch.follow())
        await until(lambda: watch.book.end == 2)
        with log.open("a") as file:
            file.write("the end")
        following.cancel()
        await asyncio.wait([following])
        await watch.finish()
        assert LogGrew(watch.book) in mailbox.take()
    assert watch.book.end == 3
    assert [r.state for r in watch.requests.latest] == [RequestState.CANCELLED]


async def test_what_was_read_when_it_was_cancelled_is_learnt_from_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slowly(piece: bytes) -> list[tuple[LogLine, LogFact]]:
        reading.set()
        go_on.wait()
        return read_facts(piece)

    monkeypatch.setattr(log_watch, "read_facts", slowly)
    log = tmp_path / "log"
    log.write_text(STARTED)
    watch = LogWatch(Bus(), LogBook(log), None)
    following = asyncio.create_task(watch.follow())
    await until(reading.is_set)
    following.cancel()
    await asyncio.wait([following])
    go_on.set()
    assert not watch.is_abreast
    await watch.catch_up()
    assert [r.task for r in watch.requests.latest] == [7]
    assert watch.is_abreast


async def test_the_disk_is_given_back_what_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = margin = 1 << 20
    monkeypatch.setattr(log_watch, "LOOK_AT_ROOM_BYTES", margin // 4)
    monkeypatch.setattr(log_watch, "keep_newest", lambda log: keep_newest(log, kept, margin))
    log, bus = tmp_path / "log", Bus()
    log.write_bytes(b"".join(b"line %09d\n" % number for number in range(500_000)))
    watch = LogWatch(bus, LogBook(log), None)
    following = asyncio.create_task(watch.follow())
    await until(lambda: watch.book.size == log.stat().st_size)
    with log.open("ab") as file:
        file.write(b"".join(b"line %09d\n" % number for number in range(500_000, 800_000)))
    await until(lambda: watch.book.size == log.stat().st_size)
    following.cancel()
    await asyncio.wait([following])
    assert log.stat().st_blocks * 512 < kept + 2 * margin
    oldest, newest = await watch.book.read([watch.book.first, watch.book.end - 1])
    assert oldest.text.startswith("line 000")
    assert newest.text == "line 000799999"


async def test_a_log_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    bus = Bus()
    await LogWatch(bus, LogBook(tmp_path), None).follow()
    with bus.subscribe() as mailbox:
        (line,) = mailbox.take()
    assert isinstance(line, LifecycleLine)
    assert line.severity is Severity.WARNING
    assert "its log cannot be read" in line.text


async def test_real_requests_are_told_and_a_lost_backend_is_one_incident(
    engine: Engine, rpc_server: RpcServerFactory, tiny_model: Path, open_cluster: OpenCluster
) -> None:
    worker = rpc_server()
    async with open_cluster(*SMALL, engine=engine, backends=[worker.address]) as cluster:
        await cluster.look()
        await cluster.dispatcher.start(str(tiny_model))
        await cluster.choices.set_model(str(tiny_model))
        async for _ in cluster.ask(Conversation(), "a worker"):
            pass
        current = cluster.coordinators.current
        assert current is not None
        assert current.log is not None
        requests = current.log.requests
        await until(lambda: any(r.state is RequestState.DONE for r in requests.latest))
        (done,) = requests.latest
        assert done.prompt_rate
        assert done.generation_rate
        assert done.took_s

        again = await cluster.dispatcher.restart()
        assert again.pid != current.status.pid
        assert again.model == current.status.model
        assert again.started is not None
        assert again.argv
        with cluster.bus.subscribe() as mailbox:
            worker.kill()
            parts = cluster.ask(Conversation(), "a worker")
            with pytest.raises(AnswerBroken, match=str(worker.address)):
                await to_the_end(parts)
            incidents = [event for event in mailbox.take() if isinstance(event, Incident)]
        assert [i.failure.suspect for i in incidents] == [worker.address]
        assert incidents[0].failure.evidence
