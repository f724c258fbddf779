"""The chunks of a streamed chat completion, read as parts of an answer."""

from __future__ import annotations

import msgspec

from app.text.answer import (
    AnswerBroken,
    AnswerPart,
    Delta,
    Finish,
    Finished,
    PromptProgress,
    Stage,
    Thinking,
    Timings,
)

_LAST = "[DONE]"


class ReportedError(msgspec.Struct):
    """What llama-server reports, before an answer and in the middle of it."""

    message: str = ""
    type: str = ""
    n_prompt_tokens: int | None = None
    n_ctx: int | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)
    finish_reason: str | None = None


class _Progress(msgspec.Struct):
    processed: int
    total: int


class _Timings(msgspec.Struct):
    cache_n: int | None = None
    prompt_n: int | None = None
    prompt_ms: float | None = None
    predicted_n: int | None = None
    predicted_ms: float | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    prompt_progress: _Progress | None = None
    timings: _Timings | None = None
    error: ReportedError | str | None = None


_decode = msgspec.json.Decoder(_Chunk).decode


class AnswerReader:
    """Reads one answer; knows how far it has come."""

    def __init__(self) -> None:
        self.stage = Stage.BEFORE
        self._finish: Finish | None = None
        self._timings = _Timings()

    def take(self, event: str) -> list[AnswerPart]:
        """The parts that an event brings; the last of them all is Finished.

        Raises:
            AnswerBroken: it reports an error, or is none that llama-server sends.
        """
        if event == _LAST:
            return [self.finished()]
        try:
            chunk = _decode(event)
        except msgspec.DecodeError:
            raise AnswerBroken(
                self.stage, "llama-server sent something that is no part of an answer.", "Ask again."
            ) from None
        if chunk.error is not None:
            raise reported(chunk.error, self.stage)
        self._timings = chunk.timings or self._timings
        parts: list[AnswerPart] = []
        if progress := chunk.prompt_progress:
            parts.append(PromptProgress(progress.processed, progress.total))
        for choice in chunk.choices:
            parts += self._choose(choice)
        return parts

    def finished(self) -> Finished:
        """The last part.

        Raises:
            AnswerBroken: the stream has ended, but the answer had not.
        """
        if self._finish is None:
            raise AnswerBroken(Stage.CUT_SHORT, "The answer ended without its last part.", "Ask again.")
        measured = self._timings
        return Finished(
            self._finish,
            Timings(
                prompt_tokens=measured.prompt_n,
                prompt_s=_seconds(measured.prompt_ms),
                tokens=measured.predicted_n,
                generation_s=_seconds(measured.predicted_ms),
                cached_tokens=measured.cache_n,
            ),
        )

    def _choose(self, choice: _Choice) -> list[AnswerPart]:
        if choice.finish_reason is not None:
            self._finish = Finish.LENGTH if choice.finish_reason == "length" else Finish.STOP
        parts: list[AnswerPart] = []
        if choice.delta.reasoning_content:
            parts.append(Thinking(choice.delta.reasoning_content))
        if choice.delta.content:
            parts.append(Delta(choice.delta.content))
        if parts:
            self.stage = Stage.DURING
        return parts


def reported(error: ReportedError | str, stage: Stage, status: int | None = None) -> AnswerBroken:
    """A reported error in words for a person."""
    if isinstance(error, str):
        error = ReportedError(error)
    if error.n_prompt_tokens is not None and error.n_ctx is not None:
        sentence = f"The prompt has {error.n_prompt_tokens} tokens, but the context holds {error.n_ctx}."
        remedy = "Start a new conversation, or raise coordinator.context."
    else:
        sentence = f"llama-server reports: {error.message.rstrip('.') or 'an error without a reason'}."
        remedy = "Look at the coordinator's log."
    return AnswerBroken(stage, sentence, remedy, status=status)


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
