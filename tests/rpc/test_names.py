"""Host names: what resolves, what does not, and a resolver that hangs."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading

import pytest

from app.rpc.names import resolve
from app.text.address import Address, AddressProblem


async def test_an_address_is_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "getaddrinfo")
    assert await resolve(Address("127.0.0.9", 7)) == ("127.0.0.9", 7)


async def test_a_name_of_this_box() -> None:
    assert await resolve(Address("localhost", 7)) == ("127.0.0.1", 7)


async def test_the_first_of_several_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 0)) for host in ("10.0.0.1", "10.0.0.2")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    assert await resolve(Address("gpu-box", 7)) == ("10.0.0.1", 7)


async def test_a_name_that_does_not_resolve_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(AddressProblem) as raised:
        await resolve(Address("no-such-host.invalid", 7))
    assert "'no-such-host.invalid'" in raised.value.sentence
    assert raised.value.remedy


async def test_a_name_that_cannot_be_one_does_not_resolve() -> None:
    with pytest.raises(AddressProblem):
        await resolve(Address("a" * 64, 7))


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A resolver that hangs until the event is set."""
    released = threading.Event()

    def hangs(*_: object) -> None:
        released.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    return released


async def test_a_resolver_that_hangs_has_a_deadline(hanging: threading.Event) -> None:
    try:
        with pytest.raises(AddressProblem):
            await resolve(Address("slow.invalid", 7), within_s=0.05)
    finally:
        hanging.set()


async def test_a_resolver_that_hangs_can_be_cancelled(hanging: threading.Event) -> None:
    task = asyncio.create_task(resolve(Address("slow.invalid", 7), within_s=60))
    await asyncio.wait([task], timeout=0.05)
    task.cancel()
    try:
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        hanging.set()


def test_a_resolver_that_hangs_does_not_keep_the_program_from_its_end() -> None:
    program = """
import asyncio, contextlib, socket, threading
from app.rpc.names import resolve
from app.text.address import Address, AddressProblem
socket.getaddrinfo = lambda *_: threading.Event().wait()
with contextlib.suppress(AddressProblem):
    asyncio.run(resolve(Address("slow.invalid", 7), within_s=0.05))
print("over")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "over\n", "")
