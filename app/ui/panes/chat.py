"""The chat: the conversation, and the prompt under it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static, TextArea

from app.core.chat import Answered, ChatPart, Turn
from app.core.cluster import Cluster
from app.core.coordinator_status import CoordinatorChanged, CoordinatorState, CoordinatorStatus
from app.core.events import Event
from app.core.routing import Target
from app.text.answer import Finish, PromptProgress
from app.text.problem import Problem
from app.text.units import UNKNOWN
from app.ui.command import Completion
from app.ui.commands import pane_bindings
from app.ui.panes.pane import Pane
from app.ui.places import Place
from app.ui.widgets.completer import Complete, Completer, Obey
from app.ui.widgets.prompt import Prompt
from app.ui.widgets.said import Said
from app.ui.widgets.transcript import Transcript
from app.ui.widgets.turn import TurnView
from app.ui.widgets.turn_drawing import Fold

GROW_HZ = 10
"""How often a growing answer is drawn: what arrives in between is drawn together."""


REST = 3
"""After drawing, the time it took is rested so many times over: keys come before a long block of code."""


class ChatPane(Pane):
    """Asks what is typed, and shows the answers as they come."""

    PLACE = Place.CHAT
    BINDINGS: ClassVar[list[BindingType]] = pane_bindings(Place.CHAT)

    def __init__(self, cluster: Cluster, complete: Complete, obey: Obey) -> None:
        super().__init__()
        self.conversation = cluster.conversations.current
        self._cluster = cluster
        self._obey = obey
        self._complete = complete
        self._completer = Completer(self._complete_after_slash)
        self._status: CoordinatorStatus | None = None
        self._progress: PromptProgress | None = None
        self._sent = 0.0
        self._changed = False
        self._rests_until = 0.0
        self._pulse: Timer | None = None

    def compose(self) -> ComposeResult:
        """The turns, or what to do while there are none; a line for completion and errors; the prompt."""
        yield Static(classes="empty", markup=False)
        yield Transcript(id="transcript")
        with Vertical(id="asking"):
            yield Said(id="prompt-hint")
            yield Prompt()

    def on_mount(self) -> None:
        """Be ready for the first prompt."""
        self._pulse = self.set_interval(1 / GROW_HZ, self._grow, pause=True)
        self.show_model()

    @property
    def main(self) -> Widget:
        """The prompt."""
        return self.prompt

    @property
    def prompt(self) -> Prompt:
        """The prompt."""
        return self.query_one(Prompt)

    @property
    def transcript(self) -> Transcript:
        """The turns."""
        return self.query_one(Transcript)

    @property
    def answering(self) -> bool:
        """Whether an answer is under way."""
        newest = self.transcript.newest
        return newest is not None and newest.shown.growing

    def take(self, events: Sequence[Event]) -> None:
        """Note what a prompt may be waiting for."""
        for event in events:
            if isinstance(event, CoordinatorChanged):
                self._status = event.status

    def show_model(self) -> None:
        """Say which model prompts go to."""
        model = self._cluster.choices.now.model
        self.border_title = f"{self.PLACE.number} {self.PLACE.heading}" + (f" ─ {model}" if model else "")
        self.query_one(".empty", Static).update(_nothing_said(model))
        self.set_class(not self.transcript.turns, "-empty")

    def cancel(self) -> bool:
        """End the answer that is under way; whether there was one."""
        was_answering = self.answering
        self.workers.cancel_group(self.screen, "answer")
        return was_answering

    async def clear(self) -> None:
        """Begin a new conversation."""
        self.cancel()
        self.conversation = self._cluster.conversations.begin()
        await self.transcript.clear()
        self.show_model()

    def toggle(self, part: Fold) -> None:
        """Fold or unfold a part of the selected turn."""
        if self.transcript.selected is not None:
            self.transcript.selected.toggle(part)

    @on(Prompt.Sent)
    def send(self, event: Prompt.Sent) -> None:
        """Ask, or carry out what follows the slash."""
        if event.text.startswith("/"):
            self._carry_out(event.text)
        elif self.answering:
            self._refuse(event.text, Problem("An answer is under way.", "Esc ends it."))
        else:
            self.ask(event.text.strip())

    def ask(self, prompt: str) -> None:
        """Ask the chosen model."""
        model = self._cluster.choices.now.model or UNKNOWN
        view = self.transcript.begin(Turn(prompt, model))
        self.remove_class("-empty")
        self._sent, self._progress = time.monotonic(), None
        assert self._pulse is not None
        self._pulse.resume()
        self.screen.run_worker(
            self._answer(prompt, view), name="answer", group="answer", exclusive=True, exit_on_error=False
        )

    async def _answer(self, prompt: str, view: TurnView) -> None:
        shown, place = view.shown, len(self.conversation.turns)
        turns = self.conversation.turns
        shown.turn.ending = "cancelled"
        try:
            async with aclosing(self._cluster.ask(self.conversation, prompt)) as parts:
                async for part in parts:
                    shown.turn = turns[place]
                    self._take_part(part, view)
        except Problem as problem:
            shown.turn.ending = str(problem)
        finally:
            if place < len(turns):
                shown.turn = turns[place]
            self._end(view)

    def _take_part(self, part: ChatPart, view: TurnView) -> None:
        self._changed = True
        if isinstance(part, PromptProgress):
            self._progress = part
        elif isinstance(part, Answered) and part.finish is Finish.LENGTH:
            view.shown.note = "It ended at the limit of its context or of its tokens."

    def _end(self, view: TurnView) -> None:
        view.shown.growing = False
        if self._pulse is not None and view is self.transcript.newest:
            self._pulse.pause()
        view.grow()

    def _grow(self) -> None:
        view, now = self.transcript.newest, time.monotonic()
        if view is None or now < self._rests_until:
            return
        waiting = self._waiting(view.shown.turn)
        if self._changed or waiting != view.shown.waiting:
            self._changed, view.shown.waiting = False, waiting
            view.grow()
            self._rests_until = now + REST * (time.monotonic() - now)

    def _waiting(self, turn: Turn) -> str:
        """What is waited for while no token has come."""
        if turn.answer:
            return ""
        elapsed = int(time.monotonic() - self._sent)
        return f"{_awaited(turn, self._status, self._progress)} … {elapsed} s"

    @on(TextArea.Changed)
    def _hint(self) -> None:
        text = self.prompt.text
        hint = self._completer.hint(text)
        line = self.query_one("#prompt-hint", Said)
        line.say(hint)
        line.display = bool(hint)

    @on(Prompt.CompletionWanted)
    def _complete_prompt(self) -> None:
        line = self._completer.next(self.prompt.text)
        if line is not None:
            self.prompt.show_line(line)

    @on(Prompt.Paged)
    def _page(self, event: Prompt.Paged) -> None:
        transcript = self.transcript
        transcript.scroll_relative(y=event.pages * (transcript.size.height - 1), animate=False)

    def _complete_after_slash(self, text: str) -> list[Completion]:
        if not text.startswith("/"):
            return []
        return [replace(way, line=f"/{way.line}") for way in self._complete(text[1:])]

    def _carry_out(self, text: str) -> None:
        try:
            self._obey(text[1:])
        except Problem as problem:
            self._refuse(text, problem)

    def _refuse(self, text: str, problem: Problem) -> None:
        """Give a line back, and say why."""
        self._completer.refuse(text, problem)
        self.prompt.show_line(text)


def _awaited(turn: Turn, status: CoordinatorStatus | None, progress: PromptProgress | None) -> str:
    if turn.route is None:
        return "finding a route"
    if progress is not None:
        return f"reading the prompt, {progress.processed} of {progress.total} tokens"
    if turn.thinking:
        return "thinking"
    if turn.route.target is Target.OLLAMA:
        return f"waiting for {turn.route.node}"
    if status is not None and status.state is not CoordinatorState.READY:
        return f"coordinator {status.state}"
    return "waiting for the coordinator"


def _nothing_said(model: str | None) -> str:
    if model is None:
        return "No model is chosen yet.\n\n/model  chooses one from a list (or m, outside of this prompt)"
    return (
        f"Ask {model} something.\n\n"
        "/help   all commands and keys\n"
        "/model  another model\n"
        "/route  where a prompt would go, and why\n"
        "esc     leaves the prompt, so that single keys work"
    )
