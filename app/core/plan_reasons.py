"""Why a plan is as it is, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.core.backends import Backend
from app.core.memory import Memory, box_of, claims_all
from app.core.plan import Needs, PlannedDevice, Wish
from app.core.spread import Chain, Load, Room, by_link
from app.rpc.probe import BackendState
from app.text.address import Address
from app.text.units import bytes_text, milliseconds_text, plural


@dataclass(frozen=True, slots=True)
class Outcome:
    """What planning has come to."""

    seen: Mapping[Address, Backend]
    chain: Chain
    """The backends that were to get layers, in this order."""
    rows: tuple[PlannedDevice, ...]
    load: Load
    fits: bool
    is_given: bool = False
    """Whether the layers of each device were not chosen, but said."""

    @property
    def used(self) -> tuple[Backend, ...]:
        """The backends that got layers, in their order."""
        return tuple(self.seen[address] for address in dict.fromkeys(row.backend for row in self.rows))


def why_unused(room: Room, wish: Wish, outcome: Outcome) -> str:
    """Why a backend that could be used has no layers, in a sentence."""
    if not room.holds_one(outcome.load):
        return f"It cannot hold a single layer and keep {bytes_text(wish.margin_bytes)} free."
    if room in outcome.chain:
        return "No layer is left for it." if outcome.fits else "No layer that is left fits on it."
    if not outcome.fits or wish.every or room.address in wish.forced:
        return f"The engine takes no more than {plural(wish.max_devices, 'device')}."
    links = [backend.latency_ms for backend in outcome.used]
    own = outcome.seen[room.address].latency_ms
    faster = own is not None and all(link is not None and link < own for link in links)
    return f"The model fits on {plural(len(links), 'backend')}{' with faster links' if faster else ''}."


def reasons_for(needs: Needs, wish: Wish, outcome: Outcome, host: Memory | None) -> Iterator[str]:
    """What there is to say of the plan, line by line."""
    yield _needed(needs, wish)
    if needs.trained_context is not None and wish.context > needs.trained_context:
        yield f"It was trained for a context of no more than {needs.trained_context:,}."
    yield _on_this_box(needs, host)
    yield from _choice(wish, outcome)
    yield from _doubts(outcome)


def _needed(needs: Needs, wish: Wish) -> str:
    layers = len(needs.layers) + 1
    weights = needs.weights_of(0, layers)
    cache = needs.cache_of(0, layers, wish.context, wish.k, wish.v)
    types = str(wish.k) if wish.k == wish.v else f"K {wish.k}, V {wish.v}"
    return (
        f"Its {layers} layers, the output included, need {bytes_text(weights)} for weights and "
        f"{bytes_text(cache)} for a context of {wish.context:,} ({types}), beside compute buffers."
    )


def _on_this_box(needs: Needs, host: Memory | None) -> str:
    stays = f"{bytes_text(needs.host_bytes)} stay on the coordinator's box"
    if host is None or host.free_bytes is None:
        return f"{stays}; how much is free there is not known."
    if needs.host_bytes > host.free_bytes:
        return (
            f"{stays}, which has only {bytes_text(host.free_bytes)} free: it will read them again and again."
        )
    return f"{stays}, which has {bytes_text(host.free_bytes)} free."


def _choice(wish: Wish, outcome: Outcome) -> Iterator[str]:
    used = outcome.used
    margin = bytes_text(wish.margin_bytes)
    count = plural(len(used), "backend")
    if not used:
        yield "No backend can hold a layer of it."
        return
    if not outcome.fits:
        yield f"It does not fit on {count} with {margin} left free on each device."
        if wish.anyway:
            yield "It is placed there all the same, as you asked for: expect llama-server to fail."
        return
    if outcome.is_given:
        yield f"On {count}, in the order and with the layers that were given."
        return
    if wish.every:
        yield f"On {count}: as many as can be used, as you asked for."
    else:
        yield f"On {count}, the fewest that were found to hold it with {margin} left free on each device."
    for backend in used:
        if backend.address in wish.forced:
            yield f"{backend.address} is among them because you asked for it."
    if len(used) > 1:
        last = (
            ""
            if outcome.chain == by_link(outcome.chain)
            else f", but {used[-1].address} last, for the output"
        )
        links = ", ".join(f"{b.address} ({milliseconds_text(b.latency_ms)} ms)" for b in used)
        yield f"Fastest link first{last}: {links}."


def _doubts(outcome: Outcome) -> Iterator[str]:
    """What was seen of the backends that makes the plan less than certain."""
    for backend in outcome.used:
        if backend.latency_ms is None and len(outcome.used) > 1:
            yield f"The link to {backend.address} was not measured: it counts as the slowest."
        if any(map(claims_all, backend.devices)):
            box = box_of(backend.address.host)
            for other in outcome.seen.values():
                if other.state is BackendState.BUSY and box_of(other.address.host) == box:
                    yield (
                        f"{other.address} is busy on the box of {backend.address}, which may have less free "
                        "than it says."
                    )
