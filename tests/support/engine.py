"""The real engine, and real RPC servers on loopback. Where the engine cannot be had, tests fail."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from app.config.settings import EngineSettings
from app.core.engines import Engines
from app.demo.model import Shape, write_model
from app.llama.engine import Engine
from app.llama.install import get_engine
from app.text.address import Address
from app.text.problem import Problem

CACHE = Path(
    os.environ.get("SYNAPTIC_TEST_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "synaptic-tui-tests"
)
"""Outlives the tests, so that they need no network the second time."""
START_S = 20.0
_SEARCH_PATH = os.environ.get("PATH", "")


async def find_engine() -> Engine:
    """The engine of this box, or the one that the tests have fetched; fetched now where there is neither."""
    fetched = CACHE / "engine"
    for path in (_SEARCH_PATH, ""):
        with suppress(Problem):
            found = await Engines(EngineSettings(), fetched, CACHE, {"PATH": path}).current()
            if found.supports_rpc and found.rpc_server:
                return found
    async for _ in get_engine(fetched, CACHE / "downloads"):
        pass
    return await Engines(EngineSettings(), fetched, CACHE, {"PATH": ""}).current()


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine of this box, fetched where there is none."""
    try:
        return asyncio.run(find_engine())
    except Problem as problem:
        pytest.fail(f"The tests need the real engine, and it cannot be had: {problem}", pytrace=False)


@dataclass(slots=True)
class RpcServer:
    """One running RPC server."""

    address: Address
    process: subprocess.Popen[bytes]

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def limit_memory(self, more_bytes: int) -> None:
        """Let it have no more than so much beside what it has."""
        process = psutil.Process(self.process.pid)
        limit = process.memory_info().vms + more_bytes
        process.rlimit(psutil.RLIMIT_AS, (limit, limit))

    def pause(self) -> None:
        """Make it accept connections and say nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause`."""
        self.process.send_signal(signal.SIGCONT)


RpcServerFactory = Callable[..., RpcServer]


@contextmanager
def rpc_servers(engine: Engine) -> Iterator[RpcServerFactory]:
    """Starts real RPC servers, which end with the block."""
    started: list[RpcServer] = []

    def start(host: str = "127.0.0.2", port: int | None = None) -> RpcServer:
        assert engine.rpc_server is not None
        address = Address(host, port or free_port(host))
        command = [str(engine.rpc_server), "--host", host, "--port", str(address.port), "--threads", "1"]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        server = RpcServer(address, process)
        started.append(server)
        _until_listening(server)
        return server

    try:
        yield start
    finally:
        for server in started:
            server.resume()
            server.kill()


@pytest.fixture
def rpc_server(engine: Engine) -> Iterator[RpcServerFactory]:
    """Starts real RPC servers: `rpc_server(host="127.0.0.2")`."""
    with rpc_servers(engine) as start:
        yield start


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated model of under 1 MB that answers in sentences."""
    path = tmp_path_factory.mktemp("models") / "tiny.gguf"
    write_model(path)
    return path


@pytest.fixture(scope="session")
def endless_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that never stops by itself, and takes its time for each token."""
    path = tmp_path_factory.mktemp("models") / "endless.gguf"
    write_model(path, Shape(layers=8, width=512), ends=False)
    return path


_ports = itertools.count(20000)
"""Below the range that the system gives to connections."""


def free_port(host: str) -> int:
    """A free port that no other test process on this box will be given while this one lives."""
    for port in _ports:
        with socket.socket() as tried, suppress(OSError):
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host, port))
            _reserve(port)
            return port
    raise AssertionError


def _reserve(port: int) -> None:
    """Hold a name that only one process can have, and that needs no file.

    Raises:
        OSError: another one holds it.
    """
    with socket.socket(socket.AF_UNIX) as name:
        name.bind(f"\0synaptic-tui-tests:{port}")
        name.detach()


def _until_listening(server: RpcServer) -> None:
    """Knock until it answers: a half-closed connection that an idle server closes too."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.alive:
        with socket.socket() as knock, suppress(OSError):
            knock.settimeout(1)
            knock.connect((server.address.host, server.address.port))
            knock.shutdown(socket.SHUT_WR)
            if knock.recv(1) == b"":
                return
        time.sleep(0.02)
    pytest.fail(f"The RPC server at {server.address} does not start.")
