"""What a log line of llama-server can say, as far as anybody here wants to know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.text.address import Address


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
