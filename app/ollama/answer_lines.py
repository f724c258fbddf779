"""The lines of a streamed answer, read as its parts. Source: ollama/api/types.go, `ChatResponse`."""

from __future__ import annotations

from app.ollama.documents import NoSuchDocument, decode
from app.ollama.failure import reported_error
from app.ollama.fields import Json, part, seconds, whole
from app.text.answer import AnswerBroken, AnswerPart, Delta, Finish, Finished, Stage, Thinking, Timings


class AnswerReader:
    """Reads one answer of the node at `url`; knows how far it has come."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.stage = Stage.BEFORE

    def take(self, line: bytes) -> list[AnswerPart]:
        """The parts that a line brings; the last of them all is Finished.

        Raises:
            AnswerBroken: it reports an error, or is none that Ollama sends.
        """
        try:
            said = decode(line, dict[str, object])
        except NoSuchDocument:
            raise self.broken("sent something that is no part of an answer", "Ask again.") from None
        if report := reported_error(said):
            raise self.broken(f"reports: {report}", "Ask again, or see Ollama's log there.")
        parts = _texts(part(said, "message"))
        if parts:
            self.stage = Stage.DURING
        if said.get("done") is True:
            parts.append(_finished(said))
        return parts

    def broken(self, what: str, remedy: str) -> AnswerBroken:
        """The end of an answer that went wrong at the stage that it has reached."""
        return AnswerBroken(self.stage, f"{self._url} {what}.", remedy)

    def cut_short(self) -> AnswerBroken:
        """The end of a stream that had not come to its last part.

        Ollama ends one so when the model says the same thing again and again (`llm/llama_server.go`).
        """
        return AnswerBroken(
            Stage.CUT_SHORT,
            f"{self._url} ended the answer without its last part.",
            "The model may have repeated itself: ask again, or ask otherwise.",
        )


def _texts(message: Json) -> list[AnswerPart]:
    parts: list[AnswerPart] = []
    thinking, content = message.get("thinking"), message.get("content")
    if isinstance(thinking, str) and thinking:
        parts.append(Thinking(thinking))
    if isinstance(content, str) and content:
        parts.append(Delta(content))
    return parts


def _finished(said: Json) -> Finished:
    """The last part; a count of zero is left out by Ollama, and so not to be told from an unknown one."""
    return Finished(
        Finish.LENGTH if said.get("done_reason") == "length" else Finish.STOP,
        Timings(
            prompt_tokens=whole(said, "prompt_eval_count"),
            prompt_s=seconds(said, "prompt_eval_duration"),
            tokens=whole(said, "eval_count"),
            generation_s=seconds(said, "eval_duration"),
            load_s=seconds(said, "load_duration"),
        ),
    )
