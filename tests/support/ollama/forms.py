"""The forms in which an answer is written: /api/chat, /api/generate, /v1/chat/completions."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass
from typing import Protocol

from tests.support.ollama.models import at_precision, go_time

NDJSON = "application/x-ndjson"
_turns = itertools.count()


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of an answer, or all of it."""

    content: str = ""
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """How an answer ended, and what was measured; durations in nanoseconds."""

    reason: str = "stop"
    total_duration: int = 0
    load_duration: int = 0
    prompt_eval_count: int = 0
    prompt_eval_duration: int = 0
    eval_count: int = 0
    eval_duration: int = 0

    def metrics(self) -> dict[str, object]:
        """What was measured; what is zero is left out, as Go leaves it out."""
        names = (name for name in End.__slots__ if name != "reason")
        return {name: value for name in names if (value := getattr(self, name))}


class Form(Protocol):
    """One way to write an answer down."""

    streamed_type: str
    """Content type of the pieces."""

    def piece(self, words: Words) -> bytes:
        """A piece of a stream."""

    def last(self, end: End) -> bytes:
        """The last piece of a stream."""

    def whole(self, words: Words, end: End) -> bytes:
        """The answer in one."""

    def error(self, reason: str) -> bytes:
        """An error in the middle of a stream."""


class Chat:
    """NDJSON with a message in each line."""

    streamed_type = NDJSON

    def __init__(self, model: str) -> None:
        self._model = model

    def piece(self, words: Words) -> bytes:
        """A line."""
        return self._line(words, done=False)

    def last(self, end: End) -> bytes:
        """The line with `done`."""
        return self._line(Words(), done=True, done_reason=end.reason, **end.metrics())

    def whole(self, words: Words, end: End) -> bytes:
        """One line for all."""
        return self._line(words, done=True, done_reason=end.reason, **end.metrics())

    def error(self, reason: str) -> bytes:
        """A line with nothing but the error."""
        return written({"error": reason}) + b"\n"

    def _line(self, words: Words, **rest: object) -> bytes:
        head = {"model": self._model, "created_at": now()}
        return written(head | self._said(words) | rest) + b"\n"

    def _said(self, words: Words) -> dict[str, object]:
        return {"message": {"role": "assistant", "content": words.content} | _thoughts("thinking", words)}


class Generate(Chat):
    """NDJSON with the text itself in each line."""

    def _said(self, words: Words) -> dict[str, object]:
        return {"response": words.content, **_thoughts("thinking", words)}


class OpenAi:
    """Server-sent events, as OpenAI writes them."""

    streamed_type = "text/event-stream"

    def __init__(self, model: str) -> None:
        self._model = model

    def piece(self, words: Words) -> bytes:
        """An event with a delta."""
        return self._event({"role": "assistant", **self._said(words)}, None)

    def last(self, end: End) -> bytes:
        """The event with the reason, and the end of all events."""
        return self._event({}, end.reason) + b"data: [DONE]\n\n"

    def whole(self, words: Words, end: End) -> bytes:
        """The completion."""
        message = {"role": "assistant", **self._said(words)}
        choice = {"index": 0, "message": message, "finish_reason": end.reason}
        usage = {
            "prompt_tokens": end.prompt_eval_count,
            "completion_tokens": end.eval_count,
            "total_tokens": end.prompt_eval_count + end.eval_count,
        }
        return written(self._head("chat.completion") | {"choices": [choice], "usage": usage})

    def error(self, reason: str) -> bytes:
        """An event with the error."""
        return b"data: " + written(openai_error("api_error", reason)) + b"\n\n"

    def _event(self, delta: dict[str, str], reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return b"data: " + written(self._head("chat.completion.chunk") | {"choices": [choice]}) + b"\n\n"

    def _said(self, words: Words) -> dict[str, str]:
        return {"content": words.content} | _thoughts("reasoning", words)

    def _head(self, kind: str) -> dict[str, object]:
        created = time.time_ns() // 1_000_000_000
        return {
            "id": "chatcmpl-1",
            "object": kind,
            "created": created,
            "model": self._model,
            "system_fingerprint": "fp_ollama",
        }


def _thoughts(key: str, words: Words) -> dict[str, str]:
    return {key: words.thinking} if words.thinking else {}


def openai_error(kind: str, reason: str) -> dict[str, object]:
    """An error as OpenAI writes it."""
    return {"error": {"message": reason, "type": kind, "param": None, "code": None}}


def written(document: object) -> bytes:
    """JSON as Go writes it."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def now() -> str:
    """The time, by turns with 0 to 9 digits of the second."""
    return go_time(at_precision(time.time_ns(), next(_turns)))
