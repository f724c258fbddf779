"""What typing costs while everything comes at once: a long history, a stream of tokens, a flood of log lines.

A console in a real terminal, with HISTORY messages on the screen, an answer of TOKENS_PER_S and the log of
50,000 lines per second. `python -m tests.benchmarks.typing` prints the figures.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from app.cli.console import show
from app.core.chat import ChatPart, Conversation, Turn
from app.core.cluster import Cluster
from app.core.log_watch import LogWatch
from app.llama.log_book import LogBook
from app.text.answer import Delta
from tests.benchmarks.log import _in_terminal, _percentile, _read, _read_until
from tests.support.console import lonely_cluster

HISTORY = 300
"""Messages, of which each second one is an answer in Markdown."""
TOKENS_PER_S = 1_500
STREAM_S = 25.0
KEYS = 80
_SIGN = "¤"
_BEAT_S = 0.02
_ANSWER = "# Words\n\nSome **bold** ones, `code`, and a list:\n\n- one\n- two\n\n```python\nx = [1]\n```\n"
_PIECES = ("A few ", "words ", "with **bold** ", "and `code` ", "in them. ", "\n\n- an item\n- another\n\n")


def measure() -> dict[str, float]:
    """Key to paint, bytes to the terminal, and how many of the tokens that came were taken in time."""
    with tempfile.TemporaryDirectory() as folder:
        log, report = Path(folder, "log"), Path(folder, "report")
        log.touch()
        me = [sys.executable, "-m", "tests.benchmarks.typing"]
        terminal, console = _in_terminal([*me, "console", str(log), str(report)])
        writer = None
        try:
            _read_until(terminal, b"events", 30)
            _read(terminal, 3)
            writer = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.log", "write", str(log)])
            os.write(terminal, b"Go\r")
            latencies, sent = _type(terminal)
            sent += len(_read(terminal, 3))
            os.write(terminal, b"\x11")
            while console.poll() is None:
                _read(terminal, 0.1)
            told = json.loads(report.read_text())
        finally:
            for process in (console, writer):
                if process is not None:
                    process.kill()
                    process.wait()
            os.close(terminal)
    return {
        "typing: key to paint, median, ms": statistics.median(latencies) * 1000,
        "typing: key to paint, 99th percentile, ms": _percentile(latencies, 0.99) * 1000,
        "typing: bytes to the terminal per token": sent / told.pop("tokens"),
        **told,
    }


def _type(terminal: int) -> tuple[list[float], int]:
    """Type into the prompt; the seconds until each sign is drawn, and the bytes in between."""
    latencies, sent = list[float](), len(_read(terminal, 2))
    for turn in range(KEYS):
        sent += len(_read(terminal, 0.1 + 0.007 * turn % 0.1))
        began = time.perf_counter()
        os.write(terminal, _SIGN.encode())
        sent += _read_until(terminal, _SIGN.encode(), 5)
        latencies.append(time.perf_counter() - began)
        os.write(terminal, b"\x7f")
    return latencies, sent


class _Stream:
    """An answer that comes at an even rate, whatever the console does meanwhile."""

    def __init__(self) -> None:
        self.came = 0
        self.began = self.ended = 0.0

    async def answer(self, conversation: Conversation, *_: object) -> AsyncGenerator[ChatPart]:
        """Give what is due, beat by beat."""
        turn = conversation.turns[-1]
        self.began = time.monotonic()
        while (elapsed := time.monotonic() - self.began) < STREAM_S:
            while self.came < elapsed * TOKENS_PER_S:
                piece = _PIECES[self.came % len(_PIECES)]
                turn.answer.append(piece)
                self.came += 1
                yield Delta(piece)
            self.ended = time.monotonic()
            await asyncio.sleep(_BEAT_S)


async def _console(log: Path, report: Path) -> None:
    """A console with a history, on a stream; it tells afterwards how that fared."""
    async with lonely_cluster(log.parent, "model: m") as cluster:
        turns = [Turn(f"Prompt {n}", "m", answer=[_ANSWER * 3]) for n in range(HISTORY // 2)]
        cluster.conversations.current.turns.extend(turns)
        stream = _Stream()
        cluster.answer = stream.answer  # type: ignore[method-assign]  # the stream is the experiment

        async def opened() -> Cluster:
            return cluster

        watch = LogWatch(cluster.bus, LogBook(log), None)
        lags = list[float]()
        beside = [asyncio.create_task(watch.follow()), asyncio.create_task(_tick(lags, stream))]
        await show(opened)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    seconds = max(1e-9, stream.ended - stream.began)
    told = {
        "tokens": stream.came,
        "typing: tokens taken per second": stream.came / seconds,
        "typing: taken of what came, %": 100 * stream.came / seconds / TOKENS_PER_S,
        "typing: lag of the loop, 99th percentile, ms": _percentile(lags, 0.99) * 1000,
        "typing: lag of the loop, worst, ms": max(lags) * 1000,
        "typing: log lines numbered meanwhile": float(watch.book.end),
    }
    await asyncio.to_thread(report.write_text, json.dumps(told))


async def _tick(lags: list[float], stream: _Stream) -> None:
    """How much later than it should the loop comes round, while the stream lasts."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        if stream.came:
            lags.append(time.perf_counter() - began - 0.005)


def main(arguments: list[str]) -> None:
    """Be the console, or measure it."""
    match arguments:
        case ["console", log, report]:
            asyncio.run(_console(Path(log), Path(report)))
        case _:
            for name, figure in measure().items():
                sys.stdout.write(f"{name:<50}{figure:>14,.1f}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
