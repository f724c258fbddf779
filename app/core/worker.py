"""RPC servers of our own on this box: for the demo, and to learn what protocol the engine speaks."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from app.llama.command import rpc_server_command, tied_to_us
from app.llama.environment import clean_environment
from app.llama.process import Child
from app.rpc.probe import BackendState, Probe, probe
from app.text.address import Address
from app.text.problem import Problem
from app.text.version import ProtocolVersion

START_S = 20.0
POLL_S = 0.02
STOP_GRACE_S = 1.0


@asynccontextmanager
async def running_worker(
    program: Path, address: Address, environment: Mapping[str, str], log: Path
) -> AsyncIterator[Probe]:
    """An RPC server for as long as the block lasts; it dies with this process, whatever the way.

    Raises:
        Problem: it does not start.
    """
    command = tied_to_us(rpc_server_command(program, address, threads=1))
    child = await Child.start(command, environment=clean_environment(environment), log=log)
    try:
        yield await _until_free(child, address)
    finally:
        await child.stop(STOP_GRACE_S)


async def ask_protocol(program: Path, environment: Mapping[str, str]) -> ProtocolVersion | None:
    """The version that an RPC server program speaks, as it tells it itself; None where it does not start."""
    address = Address("127.0.0.1", free_port("127.0.0.1"))
    try:
        with tempfile.TemporaryDirectory(prefix="synaptic-engine-") as folder:
            async with running_worker(program, address, environment, Path(folder) / "log") as seen:
                return seen.protocol
    except Problem:
        return None


def free_port(host: str) -> int:
    """A TCP port that nobody on this box listens on now."""
    with socket.socket() as free:
        free.bind((host, 0))
        port: int = free.getsockname()[1]
        return port


async def _until_free(child: Child, address: Address) -> Probe:
    deadline = asyncio.get_running_loop().time() + START_S
    while (seen := await probe(address, client=None)).state is not BackendState.FREE:
        if not child.running or asyncio.get_running_loop().time() > deadline:
            raise Problem(f"The RPC server at {address} does not start: it is {seen.state}.")
        await asyncio.sleep(POLL_S)
    return seen
