"""One backend, one verdict: what is at this address, told without harm to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum

from app.rpc.connection import Endpoint
from app.rpc.conversation import Conversation, HungUp, Silent, conversation
from app.rpc.knock import knock
from app.rpc.names import RESOLVE_S, resolve
from app.rpc.protocol import (
    DEVICE_COUNT,
    HELLO,
    OLD_HELLO,
    Exchange,
    device_memory,
    tells_device_count,
)
from app.rpc.setback import Occupied, Refused, Setback, Stranger, Unanswered
from app.text.address import Address, AddressProblem
from app.text.version import ProtocolVersion


class BackendState(StrEnum):
    """What a backend is good for at this moment."""

    FREE = "free"
    """An RPC server that serves nobody and speaks our engine's protocol."""
    OURS = "ours"
    """Held by our own coordinator; never the verdict of a probe, for such a backend is not probed."""
    UNUSED = "unused"
    """Held by our own coordinator, which has put nothing on it; never the verdict of a probe either."""
    BUSY = "busy"
    """Connected, but silent: it serves somebody else."""
    MISMATCH = "mismatch"
    """An RPC server whose protocol our engine does not speak."""
    NOT_RPC = "not-rpc"
    """Another program listens there."""
    REFUSED = "refused"
    """The box is on, and nothing listens there."""
    NO_ANSWER = "no-answer"
    """No sign of the box, or it went silent after its HELLO."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device of a backend, as the backend itself reports it."""

    index: int
    total_bytes: int
    free_bytes: int
    """A CPU reports all of the box's memory as free."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The verdict on one address."""

    address: Address
    state: BackendState
    protocol: ProtocolVersion | None = None
    """Known when the state is free or mismatch."""
    devices: tuple[Device, ...] = ()
    latency_ms: float | None = None
    """Round trip of the HELLO, known with the protocol."""
    detail: str = ""
    """One clause for a person; empty where the state says it all."""


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """How long each step of a probe may take, in seconds."""

    connect_s: float = 0.4
    reply_s: float = 1.0
    """For the knock, and for each reply."""
    resolve_s: float = RESOLVE_S


DEFAULT_LIMITS = ProbeLimits()

_STATES: dict[type[Setback], BackendState] = {
    Refused: BackendState.REFUSED,
    Unanswered: BackendState.NO_ANSWER,
    Occupied: BackendState.BUSY,
    Stranger: BackendState.NOT_RPC,
}
_WORDS_FOR_STRANGERS = b"GET / HTTP/1.0\r\n\r\n"


async def probe(
    address: Address, *, client: ProtocolVersion | None, limits: ProbeLimits = DEFAULT_LIMITS
) -> Probe:
    """What is at `address`, for an engine that speaks `client`; with None, no protocol is a mismatch.

    First a knock, which finds out whether the server is idle; only an idle one is asked. Cancel it at any
    time.

    Raises:
        OutOfSockets: this box cannot make connections, which says nothing about the other one.
    """
    try:
        endpoint = await resolve(address, limits.resolve_s)
        await knock(endpoint, limits.connect_s, limits.reply_s)
        return await _Interview(address, endpoint, client, limits).verdict()
    except AddressProblem:
        return Probe(address, BackendState.NO_ANSWER, detail="its host name does not resolve")
    except Setback as setback:
        return Probe(address, _STATES[type(setback)], detail=str(setback))


@dataclass(frozen=True, slots=True)
class _Interview:
    """The questions to a server that was idle a moment ago."""

    address: Address
    endpoint: Endpoint
    client: ProtocolVersion | None
    limits: ProbeLimits

    async def verdict(self) -> Probe:
        try:
            try:
                return await self._ask(HELLO)
            except HungUp:
                # No second knock: it closed because it was serving us, so nobody else holds it. Should
                # somebody have come in between, an unanswered HELLO that ends by RST does no harm either.
                return await self._ask(OLD_HELLO)
        except HungUp:
            raise Stranger("closes on HELLO: no RPC server, or one from before April 2025") from None
        except Silent:
            await self._knock_again()
            raise Stranger("another program listens there, and answers no HELLO") from None

    async def _ask(self, hello: Exchange[ProtocolVersion]) -> Probe:
        async with conversation(self.endpoint, self.limits.connect_s, self.limits.reply_s) as talk:
            asked = time.perf_counter()
            protocol = await talk.ask(hello)
            latency_ms = (time.perf_counter() - asked) * 1000
            if self.client is not None and not self.client.accepts(protocol):
                detail = f"speaks RPC {protocol}, our engine {self.client}"
                return Probe(self.address, BackendState.MISMATCH, protocol, (), latency_ms, detail)
            devices = await _devices(talk, protocol)
        return Probe(self.address, BackendState.FREE, protocol, devices, latency_ms)

    async def _knock_again(self) -> None:
        """Return where the server is still idle: then it was not taken after the first knock."""
        limits = self.limits
        await knock(self.endpoint, limits.connect_s, limits.reply_s, _WORDS_FOR_STRANGERS)


async def _devices(talk: Conversation, protocol: ProtocolVersion) -> tuple[Device, ...]:
    try:
        count = await talk.ask(DEVICE_COUNT) if tells_device_count(protocol) else 1
        memories = [await talk.ask(device_memory(index, protocol)) for index in range(count)]
    except Silent:
        raise Unanswered(f"speaks RPC {protocol}, then went silent") from None
    except HungUp:
        raise Unanswered(f"speaks RPC {protocol}, then closed the connection") from None
    return tuple(Device(index, memory.total, memory.free) for index, memory in enumerate(memories))
