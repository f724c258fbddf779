"""What a log line of llama-server says, as far as anybody here wants to know.

The texts are those of llama.cpp's `common/`, `src/` and `tools/server/`; the names of functions in front of
them change from build to build and are never matched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from app.llama.log import LogLine
from app.text.address import Address, AddressProblem, parse_address
from app.text.units import MIB


@dataclass(frozen=True, slots=True)
class Initializing:
    """The process is up, and connected to all its backends: before this it says nothing."""


@dataclass(frozen=True, slots=True)
class DeviceFound:
    """A device that could be used; a backend's devices are called `RPC<n>`, counted over all backends."""

    device: str
    endpoint: Address | None
    """The backend that has it; None for a device of this box."""
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class DeviceUsed:
    """A device that the model is going to be loaded on."""

    device: str
    endpoint: Address | None
    free_bytes: int


@dataclass(frozen=True, slots=True)
class LoadStarted:
    """The server begins to load this model."""

    model: str


@dataclass(frozen=True, slots=True)
class TensorsLoading:
    """One pass over the model's tensors begins: a dry run that only measures, or the real load."""


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """What one device was planned, or found, to hold."""

    device: str
    endpoint: Address | None
    total_bytes: int | None
    free_bytes: int | None
    model_bytes: int
    context_bytes: int
    compute_bytes: int


@dataclass(frozen=True, slots=True)
class MemoryBreakdown:
    """Memory of every device: before the load as planned, at the exit as it was."""

    rows: tuple[MemoryRow, ...]


@dataclass(frozen=True, slots=True)
class LayersOffloaded:
    """How many layers are not on the CPU; the output counts as one."""

    offloaded: int
    total: int


@dataclass(frozen=True, slots=True)
class LayerAssigned:
    """The device of one layer; the last one is the output."""

    layer: int
    device: str


class BufferKind(StrEnum):
    """What a buffer is for."""

    MODEL = "model"
    CACHE = "cache"
    """KV cache, or the state of recurrent layers."""
    COMPUTE = "compute"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class BufferAllocated:
    """Memory taken on one device."""

    address: Address | None
    """The backend; None for this box."""
    device: str
    """On this box its name, `CPU` for all kinds of main memory; on a backend empty."""
    index: int
    """Place of the device among those of its backend; 0 on this box."""
    kind: BufferKind
    size: int
    """In bytes, as far as two decimals of a MiB tell."""


@dataclass(frozen=True, slots=True)
class CacheSized:
    """All buffers of one cache are there: it serves so many layers with so many bytes."""

    layers: int
    size: int


@dataclass(frozen=True, slots=True)
class WarmingUp:
    """The model is loaded, and run once."""


@dataclass(frozen=True, slots=True)
class ModelLoaded:
    """The model can answer."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The server is ready at this URL."""

    url: str


@dataclass(frozen=True, slots=True)
class RequestStarted:
    """A slot begins to work on a request."""

    slot: int
    task: int


@dataclass(frozen=True, slots=True)
class PromptTiming:
    """A prompt was read; tokens that were still in the cache are not counted."""

    slot: int
    task: int
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class GenerationTiming:
    """An answer was generated."""

    slot: int
    task: int
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RequestReleased:
    """A slot is free again; `tokens` of context are in use."""

    slot: int
    task: int
    tokens: int


@dataclass(frozen=True, slots=True)
class RequestCancelled:
    """The client went away before its answer was complete."""

    task: int


@dataclass(frozen=True, slots=True)
class CleaningUp:
    """The server is about to exit."""


LogFact = (
    Initializing
    | DeviceFound
    | DeviceUsed
    | LoadStarted
    | TensorsLoading
    | MemoryBreakdown
    | LayersOffloaded
    | LayerAssigned
    | BufferAllocated
    | CacheSized
    | WarmingUp
    | ModelLoaded
    | Listening
    | RequestStarted
    | PromptTiming
    | GenerationTiming
    | RequestReleased
    | RequestCancelled
    | CleaningUp
)


def read_fact(line: LogLine) -> LogFact | None:
    """What the line says; None for most lines."""
    if line.text.startswith(_BREAKDOWN_START):
        return _breakdown(line.text)
    for pattern, read in _READERS:
        if match := pattern.search(line.text):
            return read(match)
    return None


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


_BREAKDOWN_START = '{"type":"fit_memory_breakdown"'
_decode_breakdown = msgspec.json.Decoder(_Breakdown).decode


def _breakdown(text: str) -> MemoryBreakdown | None:
    try:
        rows = _decode_breakdown(text).data.rows
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


def _prompt_timing(match: re.Match[str]) -> PromptTiming:
    return PromptTiming(
        int(match["slot"]), int(match["task"]), int(match["tokens"]), float(match["ms"]) / 1000
    )


def _generation_timing(match: re.Match[str]) -> GenerationTiming:
    return GenerationTiming(
        int(match["slot"]), int(match["task"]), int(match["tokens"]), float(match["ms"]) / 1000
    )


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], LogFact | None]], ...] = tuple(
    (re.compile(pattern), read)
    for pattern, read in (
        (r"\binitializing \.\.\.$", lambda _: Initializing()),
        (
            r"  - (\S+) *: (.+) \((\d{1,12}) MiB, (\d{1,12}) MiB free\)$",
            lambda m: DeviceFound(m[1], _endpoint(m[1], m[2]), _mib(m[3]), _mib(m[4])),
        ),
        (
            r"\busing device (\S+) \((.*?)\).* - (\d{1,12}) MiB free",
            lambda m: DeviceUsed(m[1], _endpoint(m[1], m[2]), _mib(m[3])),
        ),
        (r"\bloading model '(.+)'$", lambda m: LoadStarted(m[1])),
        (r"\bloading model tensors", lambda _: TensorsLoading()),
        (r"\boffloaded (\d+)/(\d+) layers", lambda m: LayersOffloaded(int(m[1]), int(m[2]))),
        (r"\blayer +(\d+) assigned to device ([^,]+),", lambda m: LayerAssigned(int(m[1]), m[2])),
        (r": +(?P<label>\S+) .*?(?P<kind>\w+) buffer size = +(?P<size>\d{1,12}\.\d+) MiB", _buffer),
        (
            r"\bsize = +(\d{1,12}\.\d+) MiB \( *\d+ cells, +(\d+) layers",
            lambda m: CacheSized(int(m[2]), _mib(m[1])),
        ),
        (r"\bwarming up the model", lambda _: WarmingUp()),
        (r"\bmodel loaded$", lambda _: ModelLoaded()),
        (r"\blistening on (\S+)", lambda m: Listening(m[1])),
        (_SLOT + "processing task", lambda m: RequestStarted(int(m["slot"]), int(m["task"]))),
        (_SLOT + "prompt eval" + _SPENT, _prompt_timing),
        (_SLOT + "eval" + _SPENT, _generation_timing),
        (
            _SLOT + r"stop processing: n_tokens = (\d+)",
            lambda m: RequestReleased(int(m["slot"]), int(m["task"]), int(m[3])),
        ),
        (r"\bcancel task, id_task = (\d+)", lambda m: RequestCancelled(int(m[1]))),
        (r"\bcleaning up before exit", lambda _: CleaningUp()),
    )
)
