"""Which engine is taken, and when it is looked at again."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from app.config.settings import EngineSettings
from app.core.engines import Engines
from app.llama.engine import Engine, EngineProblem
from tests.support.engine import free_port
from tests.support.programs import WITHOUT_RPC, asked, write_program, write_server

ONCE = ["--version", "--help", "--rpc"]


@pytest.fixture
def private(tmp_path: Path) -> Path:
    return tmp_path / "private"


def engines(tmp_path: Path, *, server: Path | None = None) -> Engines:
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    return Engines(EngineSettings(server=server), tmp_path / "private", tmp_path / "cache", {"PATH": path})


async def test_what_was_seen_is_remembered_until_it_changes(tmp_path: Path, private: Path) -> None:
    server = write_server(private)
    first = await engines(tmp_path).current()
    assert asked(server) == ONCE
    assert await engines(tmp_path).current() == first
    assert asked(server) == ONCE
    write_server(private, version="echo 'version: 0.8.0 (build 12000, commit x)'")
    assert (await engines(tmp_path).current()).build == 12000
    assert asked(server) == ONCE * 2


@pytest.mark.parametrize("memory", [b"", b"{", b"[]", b'{"engine": 1}', b"\xff" * 100])
async def test_a_memory_that_is_damaged_costs_a_look(memory: bytes, tmp_path: Path, private: Path) -> None:
    server = write_server(private)
    first = await engines(tmp_path).current()
    (tmp_path / "cache" / "engine.json").write_bytes(memory)
    assert await engines(tmp_path).current() == first
    assert asked(server) == ONCE * 2


async def test_no_memory_is_no_error(tmp_path: Path, private: Path) -> None:
    write_server(private)
    (tmp_path / "cache").write_text("a file in the way")
    assert (await engines(tmp_path).current()).build == 11669


async def test_the_path_goes_first(tmp_path: Path, private: Path) -> None:
    on_path, fetched = write_server(tmp_path / "bin"), write_server(private)
    assert (await engines(tmp_path).current()).server == on_path
    assert asked(fetched) == []


@pytest.mark.parametrize("fault", [{"rpc": WITHOUT_RPC}, {"version": "exit 1"}])
async def test_one_that_can_use_backends_goes_before_one_that_cannot(
    fault: dict[str, str], tmp_path: Path, private: Path
) -> None:
    write_server(tmp_path / "bin", **fault)
    fetched = write_server(private)
    found = engines(tmp_path)
    assert (await found.current()).server == fetched
    assert await found.problem_with_backends() is None


async def test_one_without_rpc_is_better_than_none(tmp_path: Path, private: Path) -> None:
    on_path = write_server(tmp_path / "bin", rpc=WITHOUT_RPC)
    write_server(private, version="exit 1")
    found = engines(tmp_path)
    assert (await found.current()).server == on_path
    assert await found.problem() is None
    assert "was built without RPC" in (await found.problem_with_backends() or "")


async def test_what_is_wrong_with_the_first_is_told(tmp_path: Path, private: Path) -> None:
    write_server(tmp_path / "bin", version="echo first; exit 1")
    write_server(private, version="echo second; exit 1")
    with pytest.raises(EngineProblem, match="first"):
        await engines(tmp_path).current()


async def test_what_is_named_is_taken_whatever_it_can(tmp_path: Path, private: Path) -> None:
    write_server(private)
    named = write_server(tmp_path / "named", rpc=WITHOUT_RPC)
    assert (await engines(tmp_path, server=named).current()).server == named


async def test_it_is_looked_for_again_when_it_was_fetched(tmp_path: Path, private: Path) -> None:
    found = engines(tmp_path)
    assert "engine get" in (await found.problem() or "")
    write_server(private)
    assert await found.problem() is not None
    found.forget()
    assert await found.problem() is None


async def test_an_rpc_server_that_does_not_start_tells_no_protocol(tmp_path: Path, private: Path) -> None:
    write_server(private)
    worker = write_program(private / "ggml-rpc-server", "echo 'Failed to create server socket'; exit 0")
    found = await engines(tmp_path).current()
    assert found.rpc_server == worker
    assert found.protocol is None


def test_the_protocol_is_what_the_rpc_server_prints(engine: Engine) -> None:
    assert engine.rpc_server is not None
    ours, theirs = pty.openpty()  # into a pipe it prints nothing before its first client
    port = str(free_port("127.0.0.1"))
    with subprocess.Popen([engine.rpc_server, "--port", port], stdout=theirs, stderr=theirs) as worker:
        os.close(theirs)
        printed = b""
        try:
            while not (banner := re.search(rb"RPC server v(\d+\.\d+\.\d+)", printed)):
                printed += os.read(ours, 4096)
        finally:
            worker.kill()
            os.close(ours)
    assert str(engine.protocol) == banner[1].decode()
