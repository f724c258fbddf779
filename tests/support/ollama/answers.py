"""An answer on its way: word by word, and to the ending that was asked for."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from tests.support.ollama.faults import Delivery, Ending, Faults, Gate
from tests.support.ollama.forms import End, Form, Words
from tests.support.ollama.http import Exchange
from tests.support.ollama.models import FakeModel

HUGE = 9 << 20
REPORTED = "an error was encountered while running the model: unexpected EOF"

_WORD = re.compile(r"\s*\S+\s*$|\s*\S+|\s+$")


class BrokenHere(Exception):  # noqa: N818  it is no error of the stand-in
    """The connection is to break."""


class FailedFirst(Exception):  # noqa: N818  it is no error of the stand-in
    """The model failed before it had said a word."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be answered."""

    model: FakeModel
    prompt: str
    thinks: bool
    limit: int | None
    """Words at most."""
    started_ns: int
    loaded_ns: int

    def words(self) -> list[Words]:
        """The answer, word by word, thoughts first."""
        thoughts = [Words(thinking=word) for word in _split(self.model.thinking)] if self.thinks else []
        return (thoughts + [Words(word) for word in _split(self.model.answer)])[: self.limit]

    def end(self, count: int, began_ns: int) -> End:
        """How it ended, after so many words; `began_ns` is when the first was about to come."""
        ended_ns = time.monotonic_ns()
        whole = len(_split(self.model.answer)) + (len(_split(self.model.thinking)) if self.thinks else 0)
        return End(
            reason="stop" if count >= whole else "length",
            total_duration=ended_ns - self.started_ns,
            load_duration=self.loaded_ns - self.started_ns,
            prompt_eval_count=len(self.prompt.split()),
            prompt_eval_duration=began_ns - self.loaded_ns,
            eval_count=count,
            eval_duration=ended_ns - began_ns,
        )


class Answer:
    """Writes one answer."""

    def __init__(self, task: Task, form: Form, faults: Faults, gate: Gate) -> None:
        self._task = task
        self._form = form
        self._faults = faults
        self._gate = gate

    async def reply(self, exchange: Exchange) -> None:
        """The answer in one piece."""
        began_ns = time.monotonic_ns()
        words = self._task.words()
        for place in range(len(words)):
            await self._gate.passing(place)
        if self._faults.ending is not Ending.DONE:
            raise FailedFirst(REPORTED)
        all_words = Words("".join(w.content for w in words), "".join(w.thinking for w in words))
        await exchange.reply(200, self._form.whole(all_words, self._task.end(len(words), began_ns)))

    async def stream(self, exchange: Exchange) -> None:
        """The answer piece by piece; as from Ollama, not even the status comes before the first of them."""
        begun = False
        try:
            async for chunk in self._chunks():
                if not begun:
                    await exchange.begin(self._faults.content_type or self._form.streamed_type)
                    begun = True
                await exchange.send(chunk)
        except BrokenHere:
            exchange.reset()
            return
        if not begun:
            await exchange.begin(self._faults.content_type or self._form.streamed_type)
        await exchange.end()

    async def _chunks(self) -> AsyncIterator[bytes]:
        together = b""
        async for piece in self._pieces():
            match self._faults.delivery:
                case Delivery.LINES:
                    yield piece
                case Delivery.BYTES:
                    for byte in piece:
                        yield bytes([byte])
                case Delivery.TOGETHER:
                    together += piece
        if together:
            yield together

    async def _pieces(self) -> AsyncIterator[bytes]:
        began_ns = time.monotonic_ns()
        words = self._task.words()
        fails = self._faults.ending is not Ending.DONE
        for place, word in enumerate(words):
            if fails and place >= self._faults.ending_after:
                break
            await self._gate.passing(place)
            yield self._form.piece(word)
        if not fails:
            yield self._form.last(self._task.end(len(words), began_ns))
            return
        for piece in self._failing():
            yield piece

    def _failing(self) -> Iterator[bytes]:
        """What comes in place of the right end."""
        match self._faults.ending:
            case Ending.ERROR if not self._faults.ending_after:
                raise FailedFirst(REPORTED)
            case Ending.ERROR:
                yield self._form.error(REPORTED)
            case Ending.RESET:
                raise BrokenHere
            case Ending.HALF_A_LINE:
                yield self._form.piece(Words("half"))[:20]
            case Ending.GARBAGE:
                yield b"<html>\n"
            case Ending.HUGE_LINE:
                yield self._form.piece(Words("x" * HUGE))
            case Ending.FLOOD:
                flood = self._form.piece(Words("again ")) * 1000
                while True:
                    yield flood


def _split(text: str) -> list[str]:
    """Words, each with the space before it; together they are the text."""
    return _WORD.findall(text)
