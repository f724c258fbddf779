"""The first true cause of a llama-server's end, found in its log."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.llama.causes import CAUSES, OUTSIDE_CAUSES, Cause, Phase
from app.llama.log import Level, LogLine, parse_line
from app.llama.log_facts import (
    DeviceFound,
    DeviceUsed,
    Initializing,
    Listening,
    LoadStarted,
    ModelLoaded,
)
from app.llama.log_reader import read_fact
from app.text.address import Address, AddressProblem, parse_address
from app.text.units import bytes_text

EVIDENCE_LINES = 5

_SOME_MODEL = "the model"
_NAMES_BACKEND = re.compile(r"(?:Failed to connect to|RPC handshake failed for) (\S+)")
_NOISE = re.compile(
    r"\[New LWP|\[Thread debugging|\[Inferior|Using host lib|#\d+ |0x[0-9a-f]+ in |\d+ (?:in )?\.\./"
    r"|.*failed to enumerate |load_backend: "
)
"""What a debugger says after an abort, and what every start of an unpacked engine says."""
_SOUNDS_BAD = re.compile(r"(?i)error|fail|abort|exception|cannot|unable")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something ended, for a person."""

    cause: str
    """One sentence."""
    remedy: str = ""
    """What to do; empty where nothing is known to help."""
    evidence: tuple[str, ...] = ()
    """The lines of the log that tell it."""
    suspect: Address | None = None
    """The backend at fault."""


def explain(
    lines: Sequence[LogLine | str], returncode: int | None, *, gone: Collection[Address] = ()
) -> Failure:
    """Why a llama-server with this log ended with this exit code; None where the code is not known.

    The log seldom tells which of several backends was lost: `gone` are those that do not answer any more.
    """
    story = _Story([line if isinstance(line, LogLine) else parse_line(line) for line in lines], gone)
    if returncode in OUTSIDE_CAUSES:
        sentence, remedy = OUTSIDE_CAUSES[returncode]
        return Failure(sentence, remedy, story.last_lines())
    for cause in CAUSES:
        if cause.phase in (None, story.phase) and (told := story.find(cause.pattern)):
            return story.tell(cause, *told)
    return story.tell_end(returncode)


class _Story:
    """What a log says up to the end."""

    def __init__(self, log: Sequence[LogLine], gone: Collection[Address]) -> None:
        self.phase = Phase.CONNECTING
        self._model = _SOME_MODEL
        self._suspects: dict[Address, None] = {}
        start_of_phase = 0
        for place, line in enumerate(log):
            match read_fact(line):
                case Initializing():
                    self.phase = Phase.LOADING
                case LoadStarted(model):
                    self._model = model
                case ModelLoaded() | Listening():
                    self.phase, start_of_phase = Phase.SERVING, place
                case DeviceFound(_, Address() as endpoint) | DeviceUsed(_, Address() as endpoint):
                    self._suspects[endpoint] = None
        # What went wrong before it was ready did not end it.
        self._lines = [line for line in log[start_of_phase:] if _may_tell(line)]
        for line in self._lines:
            if (named := _NAMES_BACKEND.search(line.text)) and (address := _address(named[1])):
                self._suspects = {address: None}
        if gone:
            self._suspects = dict.fromkeys(gone)

    def find(self, pattern: re.Pattern[str]) -> tuple[int, re.Match[str]] | None:
        """The first line that matches: its place among those that may tell, and the match."""
        for place, line in enumerate(self._lines):
            if match := pattern.search(line.text):
                return place, match
        return None

    def tell(self, cause: Cause, place: int, match: re.Match[str]) -> Failure:
        """The cause in the words of this story."""
        found = {name: text for name, text in match.groupdict().items() if text is not None}
        address = _address(found["address"]) if "address" in found else None
        suspect = address or (next(iter(self._suspects)) if len(self._suspects) == 1 else None)
        words = {
            "model": self._model,
            "tensor": found.get("not_found", ""),
            **found,
            "backend": self._backend(suspect),
        }
        if "bytes" in found:
            words["bytes"] = bytes_text(int(found["bytes"]))
        sentence = cause.sentence.format_map({name: text.strip().rstrip(".") for name, text in words.items()})
        return Failure(_capital(sentence), cause.remedy, self._around(place), suspect)

    def tell_end(self, returncode: int | None) -> Failure:
        """The end, where no line tells the cause: the last one that sounds like it."""
        remedy = "Look at its log."
        bad = [
            place
            for place, line in enumerate(self._lines)
            if line.level is Level.ERROR or (line.level is None and _SOUNDS_BAD.search(line.text))
        ]
        if bad:
            text = self._lines[bad[-1]].text.rstrip(". ")
            return Failure(
                f"llama-server ended; the last it said was: {text}.", remedy, self._around(bad[-1])
            )
        how = "" if returncode is None else f" with exit code {returncode}"
        return Failure(f"llama-server ended{how} and did not say why.", remedy, self.last_lines())

    def last_lines(self) -> tuple[str, ...]:
        """The end of the log, as far as it may tell anything."""
        return tuple(line.text for line in self._lines[-EVIDENCE_LINES:])

    def _around(self, place: int) -> tuple[str, ...]:
        start = max(0, place - 2)
        return tuple(line.text for line in self._lines[start : start + EVIDENCE_LINES])

    def _backend(self, suspect: Address | None) -> str:
        if suspect is not None:
            return f"Backend {suspect}"
        return f"One of the backends {', '.join(map(str, self._suspects))}" if self._suspects else "A backend"


def _may_tell(line: LogLine) -> bool:
    return bool(line.text) and line.level in (None, Level.WARN, Level.ERROR) and not _NOISE.match(line.text)


def _capital(sentence: str) -> str:
    """With a capital letter, unless it starts with a file or a program."""
    return "The" + sentence.removeprefix("the") if sentence.startswith(_SOME_MODEL) else sentence


def _address(text: str) -> Address | None:
    try:
        return parse_address(text)
    except AddressProblem:
        return None
