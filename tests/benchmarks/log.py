"""What a flood of log lines costs: a console in a real terminal, and a writer at 50,000 lines per second.

`python -m tests.benchmarks.log` prints the figures.
"""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from fcntl import ioctl
from pathlib import Path

import psutil

from app.cli.console import show
from app.core.cluster import Cluster
from app.core.log_watch import LogWatch
from app.llama.log_book import LogBook
from app.llama.log_sieve import Sieve, Wanted, pattern_of
from tests.support.console import lonely_cluster

LINES_PER_S = 50_000
FLOOD_S = 25.0
"""More than a million lines."""
KEYS = 60
_BATCH_S = 0.02
_SIGN = "¤"
"""Typed, and found in what the terminal is sent: nothing else there looks like it."""


def measure() -> dict[str, float]:
    """Key to paint, lag of the loop, lines per second, memory and bytes, while the flood lasts."""
    with tempfile.TemporaryDirectory() as folder:
        log, report = Path(folder, "log"), Path(folder, "report")
        log.touch()
        arguments = [sys.executable, "-m", "tests.benchmarks.log"]
        terminal, console = _in_terminal([*arguments, "console", str(log), str(report)])
        try:
            _read_until(terminal, b"events", 20)
            _read(terminal, 3)
            before = psutil.Process(console.pid).memory_info().rss
            writer = subprocess.Popen([*arguments, "write", str(log)])
            latencies, sent = _press_keys(terminal)
            while writer.poll() is None:
                sent += len(_read(terminal, 0.05))
            time.sleep(2)
            after = psutil.Process(console.pid).memory_info().rss
            os.write(terminal, b"\x1b\x11")
            while console.poll() is None:
                _read(terminal, 0.1)
            told = json.loads(report.read_text())
        finally:
            console.kill()
            console.wait()
            os.close(terminal)
    return {
        "log: lines per second arriving": float(LINES_PER_S),
        "log: key to paint, median, ms": statistics.median(latencies) * 1000,
        "log: key to paint, 99th percentile, ms": _percentile(latencies, 0.99) * 1000,
        "log: bytes to the terminal per second": sent / FLOOD_S,
        "log: memory after, MB": after / 1e6,
        "log: memory grown by, MB": (after - before) / 1e6,
        **told,
    }


def _in_terminal(command: list[str]) -> tuple[int, subprocess.Popen[bytes]]:
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    return ours, process


def _press_keys(terminal: int) -> tuple[list[float], int]:
    """Type on the line for commands; the seconds until each sign is drawn, and the bytes in between."""
    latencies, sent = list[float](), 0
    for key in (b"\x1b", b"4", b"z", b"l", b":"):
        os.write(terminal, key)
        sent += len(_read(terminal, 0.4))
    for turn in range(KEYS):
        sent += len(_read(terminal, 0.15 + 0.007 * turn % 0.1))
        began = time.perf_counter()
        os.write(terminal, _SIGN.encode())
        sent += _read_until(terminal, _SIGN.encode(), 5)
        latencies.append(time.perf_counter() - began)
        os.write(terminal, b"\x7f")
    return latencies, sent


def _read(terminal: int, seconds: float) -> bytes:
    """What the terminal is sent in the next seconds."""
    until, read = time.monotonic() + seconds, b""
    while (left := until - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            try:
                read += os.read(terminal, 1 << 16)
            except OSError:
                time.sleep(left)
    return read


def _read_until(terminal: int, sign: bytes, seconds: float) -> int:
    until, read = time.monotonic() + seconds, b""
    while sign not in read:
        left = until - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            raise TimeoutError(f"{sign!r} was not drawn within {seconds} s")
        read += os.read(terminal, 1 << 16)
    return len(read)


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _write(log: Path) -> None:
    """Write lines as llama-server does, so many per second."""
    count, began = 0, time.monotonic()
    with log.open("ab", buffering=0) as file:
        while (elapsed := time.monotonic() - began) < FLOOD_S:
            due = int(elapsed * LINES_PER_S)
            file.write(b"".join(_line(number) for number in range(count, due)))
            count = due
            time.sleep(_BATCH_S)


def _line(number: int) -> bytes:
    text = f"slot update_slots: id  0 | task {number} | cached n_tokens = {number % 4096}, memory_seq_rm"
    return b'{"type":"log","time":%d,"level":"info","msg":"%s\\n"}\n' % (number * 20, text.encode())


async def _console(log: Path, report: Path) -> None:
    """A console that follows the log, and tells afterwards how its loop fared."""
    async with lonely_cluster(log.parent) as cluster:

        async def opened() -> Cluster:
            return cluster

        watch = LogWatch(cluster.bus, LogBook(log), None)
        lags = list[float]()
        beside = [asyncio.create_task(watch.follow()), asyncio.create_task(_tick(lags, watch.book))]
        await show(opened)
        told = {
            "log: lag of the loop, 99th percentile, ms": _percentile(lags, 0.99) * 1000,
            "log: lag of the loop, worst, when it ends, ms": max(lags) * 1000,
            "log: lines numbered": float(watch.book.end),
            "log: lines that can be read": float(len(watch.book.numbers)),
            "log: seconds to search them all": await _search(watch.book),
        }
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    await asyncio.to_thread(report.write_text, json.dumps(told))


async def _tick(lags: list[float], book: LogBook) -> None:
    """How much later than it should the loop comes round, from the first line on."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        if book.end:
            lags.append(time.perf_counter() - began - 0.005)


async def _search(book: LogBook) -> float:
    sieve, began = Sieve(book, Wanted(pattern=pattern_of("n_tokens = 77,"))), time.perf_counter()
    while await sieve.look():
        pass
    return time.perf_counter() - began


def main(arguments: list[str]) -> None:
    """Be the writer or the console, or measure both."""
    match arguments:
        case ["write", log]:
            _write(Path(log))
        case ["console", log, report]:
            asyncio.run(_console(Path(log), Path(report)))
        case _:
            for name, figure in measure().items():
                sys.stdout.write(f"{name:<50}{figure:>14,.1f}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
