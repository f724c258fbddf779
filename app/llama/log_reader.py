"""What one log line of llama-server says.

The texts are those of llama.cpp's `common/`, `src/` and `tools/server/`; the names of functions in front of
them change from build to build and are never matched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import msgspec

from app.llama.log import LogLine, parse_line
from app.llama.log_facts import (
    BufferAllocated,
    BufferKind,
    CacheSized,
    CleaningUp,
    DeviceFound,
    DeviceUsed,
    GenerationTiming,
    Initializing,
    LayerAssigned,
    LayersOffloaded,
    Listening,
    LoadStarted,
    LogFact,
    MemoryBreakdown,
    MemoryRow,
    ModelLoaded,
    PromptTiming,
    RequestCancelled,
    RequestReleased,
    RequestStarted,
    TensorsLoading,
    WarmingUp,
)
from app.text.address import Address, AddressProblem, parse_address
from app.text.units import MIB


def read_fact(line: LogLine) -> LogFact | None:
    """What the line says; None for most lines."""
    for reader in _READERS:
        if reader.sign in line.text and (match := reader.pattern.search(line.text)):
            return reader.read(match)
    return None


def read_facts(piece: bytes) -> list[tuple[LogLine, LogFact]]:
    """What the lines of a piece of a log say, with the lines; most lines are not even looked at."""
    starts = set[int]()
    for sign in _SIGNS:
        at = piece.find(sign)
        while at >= 0:
            starts.add(piece.rfind(b"\n", 0, at) + 1)
            end = piece.find(b"\n", at)
            at = piece.find(sign, end) if end >= 0 else -1
    lines = (piece[start:].partition(b"\n")[0] for start in sorted(starts))
    read = (parse_line(line.decode("utf-8", "replace")) for line in lines)
    return [(line, fact) for line in read if (fact := read_fact(line)) is not None]


class _Reader(NamedTuple):
    """How to read one kind of line."""

    sign: str
    """What every such line has in it: far faster to look for than the pattern."""
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], LogFact | None]


class _Row(msgspec.Struct):
    name: str
    description: str = ""
    total: int | None = None
    free: int | None = None
    model: int = 0
    context: int = 0
    compute: int = 0


class _Rows(msgspec.Struct):
    rows: list[_Row]


class _Breakdown(msgspec.Struct):
    data: _Rows


_decode_breakdown = msgspec.json.Decoder(_Breakdown).decode


def _breakdown(match: re.Match[str]) -> MemoryBreakdown | None:
    try:
        rows = _decode_breakdown(match.string).data.rows
    except msgspec.DecodeError:
        return None
    return MemoryBreakdown(
        tuple(
            MemoryRow(
                device=row.name,
                endpoint=_endpoint(row.name, row.description),
                total_bytes=None if row.total is None else row.total * MIB,
                free_bytes=None if row.free is None else row.free * MIB,
                model_bytes=row.model * MIB,
                context_bytes=row.context * MIB,
                compute_bytes=row.compute * MIB,
            )
            for row in rows
        )
    )


_REMOTE = re.compile(r"RPC(\d*)\[([^\]]+)\]")
_MAIN_MEMORY = re.compile(r"CPU|AMX|.*_Host")
_BUFFER_KINDS = {
    "model": BufferKind.MODEL,
    "LoRA": BufferKind.MODEL,
    "compute": BufferKind.COMPUTE,
    "output": BufferKind.OUTPUT,
    "KV": BufferKind.CACHE,
    "RS": BufferKind.CACHE,
    "state": BufferKind.CACHE,
}


def _buffer(match: re.Match[str]) -> BufferAllocated | None:
    kind = _BUFFER_KINDS.get(match["kind"])
    if kind is None:
        return None
    label, size = match["label"], _mib(match["size"])
    if remote := _REMOTE.fullmatch(label):
        address = _address(remote[2])
        return BufferAllocated(address, "", int(remote[1] or 0), kind, size) if address else None
    device = "CPU" if _MAIN_MEMORY.match(label) else label.partition("_")[0]
    return BufferAllocated(None, device, 0, kind, size)


def _address(text: str) -> Address | None:
    try:
        return parse_address(text)
    except AddressProblem:
        return None


def _endpoint(device: str, description: str) -> Address | None:
    """A backend's device is described by its address, any other by what it is; older builds name it so."""
    if remote := _REMOTE.fullmatch(device):
        return _address(remote[2])
    return _address(description) if device.startswith("RPC") else None


def _mib(digits: str) -> int:
    return round(float(digits) * MIB)


_SLOT = r"id +(?P<slot>\d+) \| task (?P<task>\d+) \| +"
_SPENT = r" time = +(?P<ms>\d{1,12}\.\d+) ms / +(?P<tokens>\d+) tokens"


def _timing(kind: type[PromptTiming] | type[GenerationTiming], match: re.Match[str]) -> LogFact:
    return kind(int(match["slot"]), int(match["task"]), int(match["tokens"]), float(match["ms"]) / 1000)


_READERS = tuple(
    _Reader(sign, re.compile(pattern), read)
    for sign, pattern, read in (
        ("initializing ...", r"\binitializing \.\.\.$", lambda _: Initializing()),
        (
            " free)",
            r"  - (\S+) *: (.+) \((\d{1,12}) MiB, (\d{1,12}) MiB free\)$",
            lambda m: DeviceFound(m[1], _endpoint(m[1], m[2]), _mib(m[3]), _mib(m[4])),
        ),
        (
            "using device",
            r"\busing device (\S+) \((.*?)\).* - (\d{1,12}) MiB free",
            lambda m: DeviceUsed(m[1], _endpoint(m[1], m[2]), _mib(m[3])),
        ),
        ("loading model '", r"\bloading model '(.+)'$", lambda m: LoadStarted(m[1])),
        ("loading model tensors", r"\bloading model tensors", lambda _: TensorsLoading()),
        (
            "offloaded",
            r"\boffloaded (\d+)/(\d+) layers",
            lambda m: LayersOffloaded(int(m[1]), int(m[2])),
        ),
        (
            "assigned to device",
            r"\blayer +(\d+) assigned to device ([^,]+),",
            lambda m: LayerAssigned(int(m[1]), m[2]),
        ),
        (
            "buffer size",
            r": +(?P<label>\S+) .*?(?P<kind>\w+) buffer size = +(?P<size>\d{1,12}\.\d+) MiB",
            _buffer,
        ),
        (
            " layers,",
            r"\bsize = +(\d{1,12}\.\d+) MiB \( *\d+ cells, +(\d+) layers",
            lambda m: CacheSized(int(m[2]), _mib(m[1])),
        ),
        ("fit_memory_breakdown", r'^\{"type":"fit_memory_breakdown"', _breakdown),
        ("warming up", r"\bwarming up the model", lambda _: WarmingUp()),
        ("model loaded", r"\bmodel loaded$", lambda _: ModelLoaded()),
        ("listening on", r"\blistening on (\S+)", lambda m: Listening(m[1])),
        (
            "processing task",
            _SLOT + "processing task",
            lambda m: RequestStarted(int(m["slot"]), int(m["task"])),
        ),
        ("prompt eval", _SLOT + "prompt eval" + _SPENT, partial(_timing, PromptTiming)),
        ("eval time", _SLOT + "eval" + _SPENT, partial(_timing, GenerationTiming)),
        (
            "stop processing",
            _SLOT + r"stop processing: n_tokens = (\d+)",
            lambda m: RequestReleased(int(m["slot"]), int(m["task"]), int(m[3])),
        ),
        ("cancel task", r"\bcancel task, id_task = (\d+)", lambda m: RequestCancelled(int(m[1]))),
        ("cleaning up", r"\bcleaning up before exit", lambda _: CleaningUp()),
    )
)
_SIGNS = tuple(reader.sign.encode() for reader in _READERS)
