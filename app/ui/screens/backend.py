"""All about one backend, for as long as it is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Resize
from textual.widgets import Static

from app.core.backends import Backend, BackendForgotten, BackendProbed, BackendSeen
from app.core.cluster import Cluster
from app.core.coordinator_status import CoordinatorChanged, CoordinatorState
from app.core.events import LifecycleLine
from app.core.troubles import troubles_of
from app.llama.command import worker_command_text
from app.text.address import Address
from app.ui.backend_sheet import KnownOfBackend, backend_sheet
from app.ui.screens.modal import Modal
from app.ui.widgets.said import Said

_HZ = 5
_CHANGES = (BackendSeen, BackendProbed, BackendForgotten, CoordinatorChanged, LifecycleLine)


class BackendScreen(Modal[None]):
    """Follows what becomes of a backend. What is done here is a command of the table, given to `do`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "copy_worker", "copy command"),
        ("Y", "copy_address", "copy address"),
        ("p", "command('probe')", "probe"),
        ("X", "command('disable')", "disable"),
        ("E", "command('enable')", "enable"),
        ("q,enter", "close", "close"),
    ]

    def __init__(self, cluster: Cluster, address: Address, do: Callable[[str], None]) -> None:
        super().__init__()
        self._cluster = cluster
        self._address = address
        self._do = do

    def compose(self) -> ComposeResult:
        """All that is known, in a frame that scrolls; the keys."""
        with Vertical(id="backend") as frame:
            frame.border_title = f"Backend {self._address}"
            with VerticalScroll():
                yield Said(id="backend-known")
            yield Static(self.keys_line, id="backend-keys", markup=False)

    def on_mount(self) -> None:
        """Follow what becomes of it."""
        self.query_one(VerticalScroll).focus()
        self.follow()

    def on_resize(self, _event: Resize) -> None:
        """Use the width that there is."""
        self.call_after_refresh(self._show)

    def on_screen_resume(self) -> None:
        """It may have been forgotten while another screen was over this one."""
        self.call_after_refresh(self._show)

    @work(name="follow a backend", group="follow", exit_on_error=False)
    async def follow(self) -> None:
        """Show what changes, for as long as the screen is there."""
        with self._cluster.bus.subscribe() as mailbox:
            async for events in mailbox.batches(_HZ):
                if any(isinstance(event, _CHANGES) for event in events):
                    self._show()

    def action_copy_worker(self) -> None:
        """Copy the command that makes its host this backend."""
        self._copy(worker_command_text(self._address.host, self._address.port))

    def action_copy_address(self) -> None:
        """Copy the address."""
        self._copy(str(self._address))

    def action_command(self, name: str) -> None:
        """Carry out a command on this backend."""
        self._do(f"{name} {self._address}")

    def _copy(self, text: str) -> None:
        self.app.copy_to_clipboard(text)
        self.app.notify(f"Copied {text}", markup=False)

    def _show(self) -> None:
        backend = self._cluster.backends.get(self._address)
        if backend is None:
            self._leave()
            return
        width = self.query_one(VerticalScroll).content_size.width
        self.query_one("#backend-known", Said).say(backend_sheet(self._known(backend), width))

    def _leave(self) -> None:
        """Close, and say why; not yet where another screen is over this one."""
        if self.is_active:
            self.app.notify(f"The backend {self._address} is no longer known.", markup=False)
            self.dismiss(None)

    def _known(self, backend: Backend) -> KnownOfBackend:
        looks = self._cluster.backends.looks(self._address)
        troubles = troubles_of(self._address, self._cluster.bus.told)
        holder = self._cluster.coordinators.holder(self._address)
        if holder is None or holder.status.state is not CoordinatorState.READY:
            return KnownOfBackend(backend, looks, troubles)
        return KnownOfBackend(backend, looks, troubles, holder.status.placement, holder.status.model)
