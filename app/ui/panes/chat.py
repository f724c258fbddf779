"""The chat: the conversation, and the prompt under it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static, TextArea

from app.core.chat import CANCELLED, Attachment, Conversation, Turn
from app.core.cluster import Cluster
from app.core.events import Event
from app.llama.log_sieve import pattern_of
from app.text.problem import Problem
from app.ui.agreement import answer_if_agreed
from app.ui.command import Completion
from app.ui.commands import pane_bindings
from app.ui.panes.draft import Draft
from app.ui.panes.live_answer import GROW_HZ, LiveAnswer
from app.ui.panes.pane import Pane
from app.ui.places import Place
from app.ui.plain import plain_line
from app.ui.typed_ahead import ANSWERING
from app.ui.widgets.completer import Complete, Completer, Obey
from app.ui.widgets.prompt import Prompt
from app.ui.widgets.said import Said
from app.ui.widgets.search import SearchLine
from app.ui.widgets.transcript import Transcript
from app.ui.widgets.turn_drawing import Fold

Offer = Callable[[str, Callable[[], Awaitable[None]]], None]
"""Says what was taken away, and takes the way to bring it back."""


class ChatPane(Pane):
    """Asks what is typed, and shows the answers as they come."""

    PLACE = Place.CHAT
    BINDINGS: ClassVar[list[BindingType]] = pane_bindings(Place.CHAT)

    def __init__(self, cluster: Cluster, complete: Complete, obey: Obey, offer: Offer) -> None:
        super().__init__("-empty", "-current")
        self._cluster = cluster
        self._obey = obey
        self._complete = complete
        self._completer = Completer(self._complete_after_slash)
        self._offer = offer
        self._live: LiveAnswer | None = None
        self.draft = Draft()

    def compose(self) -> ComposeResult:
        """The turns, or what to do while there are none; a line for completion and errors; the prompt."""
        yield Static(classes="empty", markup=False)
        yield Transcript(id="transcript")
        yield SearchLine()
        with Vertical(id="asking"):
            yield Said(id="prompt-hint")
            yield Prompt()

    def on_mount(self) -> None:
        """Be ready for the first prompt."""
        pulse = self.set_interval(1 / GROW_HZ, self._grow, pause=True)
        self._live = LiveAnswer(pulse)
        self.show_model()
        self.run_worker(self._reopen(), name="reopen", exit_on_error=False)

    @property
    def main(self) -> Widget:
        """The prompt."""
        return self.prompt

    @property
    def conversation(self) -> Conversation:
        """The one that is open."""
        return self._cluster.conversations.current

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
        if self._live is not None:
            self._live.take(events)

    def show_model(self) -> None:
        """Say which model prompts go to."""
        model = self._cluster.choices.now.model
        said = (f"{self.PLACE.number} {self.PLACE.heading}", model, self.conversation.title)
        self.border_title = " ─ ".join(plain_line(each) for each in said if each)
        self.query_one(".empty", Static).update(_nothing_said(model))
        self.set_class(not self.transcript.turns, "-empty")

    def cancel(self) -> bool:
        """End the answer that is under way; whether there was one."""
        was_answering = self.answering
        self.workers.cancel_group(self.screen, ANSWERING)
        return was_answering

    def show_conversation(self) -> None:
        """Show the conversation that is open, from its beginning."""
        if not self.conversation.turns and self.transcript.has_focus:
            # What is hidden has no focus, and without a focus no key of this pane works.
            self.prompt.focus()
        self.transcript.show(self.conversation.turns)
        self.show_model()

    def _grow(self) -> None:
        if self._live is not None:
            self._live.grow()

    async def _reopen(self) -> None:
        """Go on where the last console ended, unless something was asked already."""
        conversation = await self._cluster.conversations.reopen()
        if conversation.turns and not self.transcript.turns:
            self.prompt.recall.remember(turn.prompt for turn in conversation.turns)
            self.show_conversation()

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
            self._try_to_ask(event.text)

    def ask(self, prompt: str) -> None:
        """Ask the chosen model, in place of what is being edited or after everything.

        Raises:
            Problem: no model is chosen.
        """
        draft, conversation = self.draft, self.conversation
        turn = self._cluster.begin(conversation, prompt, tuple(draft.attached))
        if draft.editing is None:
            self.transcript.begin(turn)
        else:
            conversation.turns.pop()
            self._put_tail(conversation, draft.editing, [turn], "what was said from there on")
            self.prompt.show_line(draft.put_by)
        self._take_up(Draft())
        self._follow()

    def ask_again(self, model: str) -> None:
        """Put the last prompt to a model once more, in place of the answer that it got."""
        last = self.conversation.turns[-1]
        turn = Turn(last.prompt, model or last.model, last.attachments, ending=CANCELLED)
        self._put_tail(self.conversation, len(self.conversation.turns) - 1, [turn], "the earlier answer")
        self._follow()

    def go_on(self) -> None:
        """Let the model go on with its last answer."""
        self._follow()

    def edit(self) -> None:
        """Bring the selected prompt back, to be asked in place of it and of what came after."""
        selected = self.transcript.selected
        assert selected is not None
        place = self.transcript.turns.index(selected)
        turn = self.conversation.turns[place]
        put_by = self.prompt.whole if self.draft.editing is None else self.draft.put_by
        self._take_up(Draft(list(turn.attachments), place, put_by))
        self.prompt.show_line(turn.prompt)
        self.prompt.focus()

    def stop_editing(self) -> bool:
        """Leave the turn that is being edited as it is; whether there was one."""
        if self.draft.editing is None:
            return False
        self.prompt.show_line(self.draft.put_by)
        self._take_up(Draft())
        return True

    def attach(self, *files: Attachment) -> None:
        """Have files go with the next prompt; none: take away those that would."""
        attached = [*self.draft.attached, *files] if files else []
        self._take_up(replace(self.draft, attached=attached))

    def _take_up(self, draft: Draft) -> None:
        self.draft = draft
        self._say(draft.standing)

    def _put_tail(self, conversation: Conversation, place: int, tail: list[Turn], what: str) -> None:
        """Put other turns from `place` on, and offer back `what` was there."""
        before, conversation.turns[place:] = conversation.turns[place:], tail
        self._cluster.conversations.keep(conversation)
        if conversation is self.conversation:
            self.show_conversation()

        async def bring_back() -> None:
            self._put_tail(conversation, place, before, what)

        if before:
            self._offer(what, bring_back)

    def _follow(self) -> None:
        """Have the newest turn answered."""
        view = self.transcript.newest
        assert self._live is not None
        assert view is not None
        self.remove_class("-empty")
        self._live.begin(view)
        self.screen.run_worker(
            self._live.follow(view, answer_if_agreed(self.app, self._cluster, self.conversation)),
            name="answer",
            group=ANSWERING,
            exclusive=True,
            exit_on_error=False,
        )

    def find(self, text: str) -> None:
        """Go to the first match from what is in view on; an empty text ends the search."""
        self.transcript.seek(pattern_of(text) if text else None)
        self.step(1)

    def step(self, by: int) -> None:
        """Go to the next match, or the one before."""
        self.transcript.step(by)
        search = self.transcript.search
        self.remark("" if search is None else f"/{search.pattern.pattern} {search.standing}")

    @on(SearchLine.Typed)
    def _mark_while_typed(self, event: SearchLine.Typed) -> None:
        event.stop()
        self.transcript.seek(pattern_of(event.text) if event.text else None)

    @on(SearchLine.Entered)
    def _find_for_good(self, event: SearchLine.Entered) -> None:
        event.stop()
        self.transcript.focus()
        self.find(event.text)

    @on(TextArea.Changed)
    def hint(self) -> None:
        """Say how a command can go on, as far as that is known now."""
        text = self.prompt.text
        self._say(self._completer.hint(text) or self.draft.standing)

    def _say(self, hint: Content | str) -> None:
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

    def _try_to_ask(self, text: str) -> None:
        try:
            self.ask(text.strip())
        except Problem as problem:
            self._refuse(text, problem)

    def _refuse(self, text: str, problem: Problem) -> None:
        """Give a line back, and say why."""
        self._completer.refuse(text, problem)
        self.prompt.show_line(text)


def _nothing_said(model: str | None) -> str:
    if model is None:
        return (
            "No model is chosen yet.\n\n"
            "/model    chooses one from a list (or m, outside of this prompt)\n"
            "/welcome  shows what a first answer needs, and how to get it"
        )
    return (
        f"Ask {model} something.\n\n"
        "/help   all commands and keys\n"
        "/model  another model\n"
        "/route  where a prompt would go, and why\n"
        "esc     leaves the prompt for single keys; i comes back"
    )
