"""What room for layers each backend has, and which of them cannot have a part in a plan."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.core.backends import USABLE, Backend
from app.core.lessons import Lessons
from app.core.memory import THIS_BOX, Memory, box_of, claims_all
from app.core.plan import Excluded, Wish
from app.core.spread import Room
from app.text.address import Address


@dataclass(frozen=True, slots=True)
class _Claim:
    """Memory that each worker of a box says is all free: it is there once."""

    box: str
    total_bytes: int


@dataclass(frozen=True, slots=True)
class _Part:
    """Who gets the memory that several claim."""

    holders: tuple[Address, ...]
    device_bytes: int
    """On each of their devices that claim it."""


def rooms(
    backends: Iterable[Backend], wish: Wish, host: Memory | None, lessons: Lessons
) -> tuple[tuple[Room, ...], tuple[Excluded, ...]]:
    """The room on each backend that may be used, fastest link first, and why the others may not.

    What all workers of a box claim goes to the one with the fastest link, or in equal parts to those that
    are forced, or to all where every one is to be used. On this box it is no more than what `host` has free,
    on another one no more than what those leave that are taken.
    The margin is taken off, and what each device took more than planned before. A link that was not measured
    counts as the slowest of those that were.
    """
    backends = tuple(backends)
    reasons = {backend.address: _hindrance(backend, wish) for backend in backends}
    usable = sorted((b for b in backends if reasons[b.address] is None), key=_link)
    able = frozenset(backend.address for backend in usable)
    slowest = max((b.latency_ms for b in usable if b.latency_ms is not None), default=0.0)
    sharing = able if wish.every else wish.forced
    parts = _parts(usable, sharing, host, _held(backends, wish))
    found: list[Room] = []
    for backend in usable:
        claims = _claims(backend)
        elsewhere = [parts[c].holders[0] for c in claims if backend.address not in parts[c].holders]
        if elsewhere and claims.total() == len(backend.devices) and len(elsewhere) == len(claims):
            reasons[backend.address] = f"It is on the same box as {elsewhere[0]}, whose memory counts once."
            continue
        latency = slowest if backend.latency_ms is None else backend.latency_ms
        devices = tuple(
            free - wish.margin_bytes - lessons.kept_bytes(backend.address, index)
            for index, free in enumerate(_free_bytes(backend, parts))
        )
        found.append(Room(backend.address, latency, devices))
    unknown = dict.fromkeys(wish.forced - reasons.keys(), "You asked for it, but no such backend is known.")
    excluded = sorted({**reasons, **unknown}.items())
    return tuple(found), tuple(
        Excluded(address, reason, usable=address in able or address in wish.left_out)
        for address, reason in excluded
        if reason
    )


def _hindrance(backend: Backend, wish: Wish) -> str | None:
    """Why it cannot be used; None where it can."""
    if backend.address in wish.left_out:
        return "You left it out."
    if not backend.enabled:
        return "It is disabled."
    holder = next((taken.model for taken in wish.taken if taken.address == backend.address), None)
    if holder is not None:
        return f"The coordinator of {holder} holds it."
    if backend.state is None:
        return "It was not probed yet."
    if backend.state not in USABLE:
        detail = f" ({backend.detail})" if backend.detail else ""
        return f"Its state is {backend.state}{detail}."
    return None if backend.devices else "Its devices are not known."


def _link(backend: Backend) -> tuple[bool, float, Address]:
    """Fastest first, then those that were not measured."""
    return backend.latency_ms is None, backend.latency_ms or 0.0, backend.address


def _claims(backend: Backend) -> Counter[_Claim]:
    box = box_of(backend.address.host)
    return Counter(_Claim(box, device.total_bytes) for device in backend.devices if claims_all(device))


def _parts(
    usable: Sequence[Backend], sharing: frozenset[Address], host: Memory | None, held: Counter[_Claim]
) -> Mapping[_Claim, _Part]:
    """Who gets what is claimed; `usable` are in the order in which they are preferred."""
    claimants: defaultdict[_Claim, dict[Address, int]] = defaultdict(dict)
    for backend in usable:
        for claim, devices in _claims(backend).items():
            claimants[claim][backend.address] = devices
    parts: dict[_Claim, _Part] = {}
    for claim, devices_of in claimants.items():
        # No CPU is twice in one worker; but there may be GPUs that look as much alike.
        most = max(devices_of.values())
        first = next(address for address, devices in devices_of.items() if devices == most)
        holders = tuple(address for address in devices_of if address in sharing) or (first,)
        there = max(0, _there(claim, host, held)) * most
        parts[claim] = _Part(holders, there // sum(devices_of[address] for address in holders))
    return parts


def _held(backends: Iterable[Backend], wish: Wish) -> Counter[_Claim]:
    """What is missing of each claim, as those that are taken hold it."""
    known = {backend.address: backend for backend in backends}
    held = Counter[_Claim]()
    for taken in wish.taken:
        for claim in _claims(known[taken.address]) if taken.address in known else ():
            held[claim] += claim.total_bytes if taken.held_bytes is None else taken.held_bytes
    return held


def _there(claim: _Claim, host: Memory | None, held: Counter[_Claim]) -> int:
    """A worker on this box that has as much memory as the box itself is its CPU: what is free is known."""
    if host is not None and host.free_bytes is not None and claim == _Claim(THIS_BOX, host.total_bytes):
        return host.free_bytes
    return claim.total_bytes - held[claim]


def _free_bytes(backend: Backend, parts: Mapping[_Claim, _Part]) -> tuple[int, ...]:
    """What each of its devices can count on."""
    box = box_of(backend.address.host)
    free: list[int] = []
    for device in backend.devices:
        part = parts[_Claim(box, device.total_bytes)] if claims_all(device) else None
        if part is None:
            free.append(device.free_bytes)
        else:
            free.append(part.device_bytes if backend.address in part.holders else 0)
    return tuple(free)
