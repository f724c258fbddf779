"""What the commands of the backends pane do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from app.core.membership import Removed
from app.llama.command import worker_command_text
from app.text.address import parse_address
from app.text.problem import Problem
from app.text.units import plural
from app.ui.backend_words import parse_said
from app.ui.deeds.everywhere import obey_or_report
from app.ui.screens.backend import BackendScreen

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


async def add_backend(screen: MainScreen, address: str) -> None:
    """Add a backend and say how it is."""
    backend = await screen.cluster.members.add_backend(address)
    detail = f": {backend.detail}" if backend.detail else ""
    screen.tell(f"{backend.address} is {backend.word}{detail}.")


async def remove_backends(screen: MainScreen, text: str) -> None:
    """Forget backends, and offer to bring them back together."""
    removed = list[Removed]()
    try:
        for address in _chosen(screen, text):
            removed.append(await screen.cluster.members.remove_backend(address))
    finally:
        if removed:
            one = f"the backend {removed[0].saved.address}"
            what = one if len(removed) == 1 else f"a list of {len(removed)} backends"
            screen.undo.offer(what, partial(_bring_back, screen, removed))


async def disable_backends(screen: MainScreen, text: str) -> None:
    """Neither probe nor use backends from now on."""
    chosen = _chosen(screen, text)
    for address in chosen:
        await screen.cluster.members.disable(address)
    screen.tell(f"{_named(chosen)} disabled: neither probed nor used, until enabled.")


async def enable_backends(screen: MainScreen, text: str) -> None:
    """Use backends again."""
    chosen = _chosen(screen, text)
    for address in chosen:
        await screen.cluster.members.enable(address)
    screen.tell(f"{_named(chosen)} enabled.")


async def probe_backends(screen: MainScreen, text: str) -> None:
    """Probe backends now."""
    chosen = _chosen(screen, text)
    await screen.cluster.backends.check(parse_address(address) for address in chosen)
    screen.tell(f"{_named(chosen)} probed; held and disabled ones are spared.")


async def rename_backend(screen: MainScreen, text: str) -> None:
    """Name a backend."""
    await screen.cluster.members.rename(*parse_said(text))


async def note_backend(screen: MainScreen, text: str) -> None:
    """Keep a note on a backend."""
    await screen.cluster.members.note(*parse_said(text))


async def open_backend(screen: MainScreen, text: str) -> None:
    """Show all about a backend."""
    address = parse_address(text or screen.selected_backend or "")
    if screen.cluster.backends.get(address) is None:
        raise Problem(f"No backend {address} is known.", "'rpc list' shows them, 'rpc add HOST' adds one.")
    await screen.app.push_screen(BackendScreen(screen.cluster, address, partial(obey_or_report, screen)))


def mark(screen: MainScreen, _argument: str) -> None:
    """Mark the one under the cursor, or no more."""
    screen.backends.mark()


def mark_all(screen: MainScreen, _argument: str) -> None:
    """Mark all that are shown, or none."""
    screen.backends.mark_all()


def sort(screen: MainScreen, _argument: str) -> None:
    """Sort by the next column."""
    screen.backends.sort_by_next()


def reverse(screen: MainScreen, _argument: str) -> None:
    """Sort the other way round."""
    screen.backends.reverse()


def filter_backends(screen: MainScreen, text: str) -> None:
    """Show some of the backends."""
    if text:
        screen.backends.filter(text)
    else:
        screen.backends.ask_filter()


def copy_address(screen: MainScreen, _argument: str) -> None:
    """Copy the address under the cursor."""
    _copy(screen, screen.selected_backend or "")


def copy_rpc(screen: MainScreen, _argument: str) -> None:
    """Copy the marked addresses, as llama-server takes them."""
    _copy(screen, f"--rpc {','.join(_chosen(screen, ''))}")


def copy_worker(screen: MainScreen, _argument: str) -> None:
    """Copy the command that makes a host this backend."""
    [address] = [parse_address(text) for text in _chosen(screen, "")[:1]]
    _copy(screen, worker_command_text(address.host, address.port))


def _copy(screen: MainScreen, text: str) -> None:
    screen.app.copy_to_clipboard(text)
    screen.tell(f"Copied {text}")


def _chosen(screen: MainScreen, text: str) -> tuple[str, ...]:
    chosen = (text,) if text else screen.backends.chosen
    if not chosen:
        raise Problem("No backend is marked or under the cursor.", "Name one by its address.")
    return chosen


def _named(chosen: Sequence[str]) -> str:
    return chosen[0] if len(chosen) == 1 else plural(len(chosen), "backend")


async def _bring_back(screen: MainScreen, removed: Sequence[Removed]) -> None:
    for one in removed:
        await screen.cluster.members.bring_back(one)
