"""The main screen: the four panes, fed by the core's events, and the way from a command to its deed."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Sequence
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus, ScreenResume, ScreenSuspend
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets._toast import ToastRack
from textual.worker import Worker, WorkerState

from app.core.choices import Chosen
from app.core.cluster import Cluster
from app.core.coordinator_status import CoordinatorFailed
from app.core.events import Event, Severity
from app.core.faults import keep_fault
from app.core.reload import SettingsUsed
from app.text.problem import Problem
from app.ui.command import Command, CommandProblem, Completion, Order, completions, parse
from app.ui.commands import BY_NAME, COMMANDS, bindings_of
from app.ui.deeds.look import tell_of_theme
from app.ui.deeds.welcome import welcome_if_needed
from app.ui.folder import Folder
from app.ui.hints import hints, last_hints
from app.ui.interrupt import Interrupt
from app.ui.layout import arrange, with_shown
from app.ui.notices import Notices
from app.ui.panes.backends import BackendsPane
from app.ui.panes.chat import ChatPane
from app.ui.panes.coordinator import CoordinatorPane
from app.ui.panes.nodes import NodesPane
from app.ui.panes.pane import Pane
from app.ui.places import EVERYWHERE, Place
from app.ui.themes import dress
from app.ui.title import entitle
from app.ui.undo import Undo
from app.ui.widgets.command_line import CommandLine
from app.ui.widgets.header import HeaderLine, glance
from app.ui.widgets.key_hints import KeyHints
from app.ui.widgets.pane_tabs import PaneTabs
from app.ui.widgets.prompt import Prompt

EVENTS_HZ = 10
TOLD_S = 4
REPORTED_S = 10
_ENDABLE = ("rpc discover", "bench placement")
"""The commands that Escape ends."""
_OF_TOASTS: dict[Severity, SeverityLevel] = {
    Severity.INFO: "information",
    Severity.GOOD: "information",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
}


class MainScreen(Screen[None]):
    """Four panes where there is room for them, else one at a time."""

    AUTO_FOCUS = "Prompt"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(EVERYWHERE),
        Binding("colon", "command_line", "A line for commands", show=False),
    ]

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self.cluster = cluster
        self.commands: Sequence[Command] = COMMANDS
        self.place = Place.CHAT
        """The pane that has the focus, or had it last."""
        self.undo = Undo(self.tell)
        self.interrupt = Interrupt(self)
        self._was_away = False
        self.folder = Folder(self._read_folder, self._hint_again)
        self.notices = Notices(self._tell_in_passing, self._sees, self.set_timer)

    def compose(self) -> ComposeResult:
        """Header, panes, command line, key hints."""
        self._take_size()
        yield HeaderLine()
        yield PaneTabs()
        with Horizontal(id="panes"):
            yield ChatPane(self.cluster, self.completions, self.obey, self.undo.offer)
            with Vertical(id="side"):
                yield BackendsPane(self.cluster.backends)
                yield NodesPane(self.cluster.pool, self.cluster.pulls, self.cluster.box)
                yield CoordinatorPane(self.cluster.coordinators)
        yield CommandLine(self.completions, self.obey)
        yield KeyHints(partial(hints, self), partial(last_hints, self))

    def on_mount(self) -> None:
        """Begin to follow the core, and to look around."""
        self._dress()
        arrange(self, self.cluster.appearance.layout)
        self._mark_current(self.chat)
        self.follow_events()
        self.look_around()

    def _take_size(self) -> None:
        """Have the classes of this size before there is anything that would be styled anew for them."""
        width, height = self.app.size
        wide = self._get_breakpoint_classes(width, self.app.HORIZONTAL_BREAKPOINTS or [])
        tall = self._get_breakpoint_classes(height, self.app.VERTICAL_BREAKPOINTS or [])
        self.add_class(*wide, *tall)

    @property
    def chat(self) -> ChatPane:
        """The first pane."""
        return self.query_one(ChatPane)

    @property
    def backends(self) -> BackendsPane:
        """The second pane."""
        return self.query_one(BackendsPane)

    @property
    def coordinator(self) -> CoordinatorPane:
        """The fourth pane."""
        return self.query_one(CoordinatorPane)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The panes that have no place on the screen; under tabs each has one."""
        return () if self.query_one(PaneTabs).display else self.cluster.appearance.layout.hidden

    @property
    def busy(self) -> bool:
        """Whether Escape would end something."""
        return self.chat.answering or any(self._endable())

    @property
    def selected_backend(self) -> str | None:
        """The address under the cursor of the second pane."""
        return self.backends.selected

    @property
    def selected_node(self) -> str | None:
        """The URL under the cursor of the third pane."""
        return self.query_one(NodesPane).selected

    @work(name="events", group="events", exclusive=True, exit_on_error=False)
    async def follow_events(self) -> None:
        """Show what the core tells, for as long as the screen is there."""
        with self.cluster.bus.subscribe() as mailbox:
            self._show([], 0)
            async for events in mailbox.batches(EVENTS_HZ):
                self._show(events, mailbox.lost)

    @work(name="look around", group="look around", exclusive=True, exit_on_error=False)
    async def look_around(self) -> None:
        """Read the models, and look for backends where some are wanted and none is known."""
        await self.cluster.catalogue.read()
        for problem in self.cluster.catalogue.problems:
            self.cluster.bus.say("models", problem, Severity.WARNING)
        if self.cluster.choices.now.distributed and not self.cluster.backends.known:
            self.order(Order(BY_NAME["rpc discover"]))
        await welcome_if_needed(self)

    def go(self, place: Place) -> None:
        """Focus a pane, shown again where it was hidden; where only one is shown, show that one."""
        if place in self.hidden:
            shown = with_shown(self.cluster.appearance.layout, place)
            arrange(self, shown)
            keeping = self.cluster.appearance.set_layout(shown)
            self.run_worker(self._await(keeping), name="keep layout", exit_on_error=False)
        pane = self._pane(place)
        self._mark_current(pane)
        # At once: the next key is for the pane already.
        self.set_focus(pane.main)

    def cancel(self) -> None:
        """End the answer, the sweep or the bench that is under way, else leave the prompt, else the zoom."""
        if self.busy:
            self.chat.cancel()
            for worker in self._endable():
                worker.cancel()
        elif isinstance(self.focused, Prompt):
            if not self.chat.stop_editing():
                self.chat.transcript.focus()
        else:
            self.remove_class("-zoomed")

    def completions(self, line: str) -> list[Completion]:
        """How a typed line can go on."""
        return completions(line, self.commands, self)

    def _read_folder(self, reading: Coroutine[None, None, None]) -> None:
        self.run_worker(reading, name="folder", group="folder", exclusive=True, exit_on_error=False)

    def _hint_again(self) -> None:
        self.query_one(CommandLine).hint()
        self.chat.hint()

    def obey(self, line: str) -> None:
        """Carry out a typed line.

        Raises:
            Problem: it is no command, or one that cannot run now.
        """
        order = parse(line, self.commands)
        why_not = self._why_not(order)
        if why_not is not None:
            raise CommandProblem(why_not)
        self._carry_out(order)

    def order(self, order: Order) -> None:
        """Carry out a command that was not typed; says why where it cannot run now."""
        why_not = self._why_not(order)
        if why_not is not None:
            self.notify(why_not, severity="warning", timeout=TOLD_S, markup=False)
        else:
            self._carry_out(order)

    def action_command(self, name: str) -> None:
        """Carry out the command of a key, or ask for what it needs."""
        command = BY_NAME[name]
        argument = command.argument
        if argument is not None and argument.required:
            self.action_command_line(f"{command.name} {argument.first(self)}")
        else:
            self.order(Order(command))

    def action_command_line(self, text: str = "") -> None:
        """Open the line for commands."""
        self.query_one(CommandLine).open(text)

    def tell(self, text: str) -> None:
        """Say what came of a command."""
        self.notify(text, timeout=TOLD_S, markup=False)

    def report(self, problem: Problem) -> None:
        """Say what went wrong, now and in the list of what happened, where it is not there already."""
        if not isinstance(problem, CoordinatorFailed) or self.notices.first_to_tell(problem.sentence):
            self.notify(str(problem), severity="error", timeout=REPORTED_S, markup=False)
        if not isinstance(problem, CoordinatorFailed):
            self.cluster.bus.say("console", str(problem), Severity.ERROR)

    @on(ScreenResume)
    def _style_again_only_if_away(self, event: ScreenResume) -> None:
        """At first all is styled already; a theme may have changed only while another screen was shown."""
        event.refresh_styles, self._was_away = self._was_away, True

    @on(ScreenSuspend)
    def _hide_toasts(self) -> None:
        """The screen that comes over this one has them too."""
        for rack in self.query(ToastRack):
            rack.display = False

    @on(DescendantFocus)
    def _follow_focus(self, event: DescendantFocus) -> None:
        for node in event.widget.ancestors_with_self:
            if isinstance(node, Pane):
                self._mark_current(node)
        self._look_again()

    @on(Pane.Retitled)
    def _repeat_remark(self) -> None:
        self.query_one(PaneTabs).remark = str(self._pane(self.place).border_subtitle or "")

    @on(Worker.StateChanged)
    def _see_worker(self, event: Worker.StateChanged) -> None:
        """Whether something is under way has changed; what ends with no Problem is a fault of the program."""
        self._look_again()
        if event.worker.name == "answer" and event.state is WorkerState.SUCCESS:
            self._tell_answer()
        if event.state is WorkerState.ERROR:
            self._keep_fault(event.worker)

    @work(name="keep fault", exit_on_error=False)
    async def _keep_fault(self, worker: Worker[object]) -> None:
        assert worker.error is not None
        fault = f"'{worker.name}' ended by a fault of this program: {worker.error!r}."
        try:
            report = await keep_fault(self.cluster, worker.error)
        except Problem as problem:
            self.report(Problem(fault, f"No report of it was written: {problem.sentence}"))
        else:
            self.report(Problem(fault, f"Please send {report} with a report; it holds no keys."))

    def _why_not(self, order: Order) -> str | None:
        if any(w.group == _group(order) and w.is_running for w in self.workers):
            return f"'{order.command.name}' is under way already."
        return order.command.why_not(self)

    def _carry_out(self, order: Order) -> None:
        try:
            doing = order.command.run(self, order.argument)
        except Problem as problem:
            self.report(problem)
            return
        if doing is not None:
            self.run_worker(
                self._await(doing),
                name=order.command.name,
                group=_group(order),
                exclusive=True,
                exit_on_error=False,
            )

    async def _await(self, doing: Awaitable[None]) -> None:
        try:
            await doing
        except Problem as problem:
            self.report(problem)

    def _show(self, events: Sequence[Event], lost: int) -> None:
        for event in events:
            if isinstance(event, Chosen):
                self.chat.show_model()
            elif isinstance(event, SettingsUsed):
                self._dress()
                self.refresh()
        self.chat.take(events)
        self.backends.take(events)
        self.query_one(NodesPane).take(events)
        self.coordinator.take(events, lost)
        self.notices.take(events)
        self._look_again()

    def _dress(self) -> None:
        dress(self.app, self.cluster.settings.console)
        self.run_worker(tell_of_theme(self), name="theme", group="theme", exclusive=True, exit_on_error=False)

    def _sees(self, place: Place) -> bool:
        """Whether a person looks at what has happened there: the coordinator pane lists everything."""
        return self.app.screen is self and self.place in (place, Place.COORDINATOR)

    def _tell_in_passing(self, text: str, severity: Severity) -> None:
        self.notify(text, severity=_OF_TOASTS[severity], timeout=TOLD_S, markup=False)
        if severity is Severity.ERROR and self.cluster.settings.console.bell:
            self.app.bell()

    def _tell_answer(self) -> None:
        newest = self.chat.transcript.newest
        if newest is not None and newest.shown.turn.ending != "cancelled":
            turn = newest.shown.turn
            severity = Severity.ERROR if turn.ending else Severity.GOOD
            self.notices.add("chat", turn.ending or f"{turn.model} has answered", severity)

    def _look_again(self) -> None:
        """Show in header, tabs, hints and title what may have changed."""
        status, place = self.coordinator.leading_to(self.cluster.choices.now.model)
        self.query_one(HeaderLine).glance = glance(self.cluster, status, place)
        self._repeat_remark()
        self.query_one(KeyHints).look_again()
        entitle(self.app, status, wanted=self.cluster.settings.console.title)

    def _endable(self) -> list[Worker[None]]:
        return [w for w in self.workers if w.name in _ENDABLE and w.is_running]

    def _pane(self, place: Place) -> Pane:
        return self.query_one(f"#{place.value}", Pane)

    def _mark_current(self, pane: Pane) -> None:
        self.place = pane.PLACE
        self.query_one(PaneTabs).current = pane.PLACE
        for each in self.query(Pane):
            each.set_class(each is pane, "-current")
        self.query_one("#side").set_class(pane is not self.chat, "-current")


def _group(order: Order) -> str:
    return f"command {order.command.name} {order.argument}"
