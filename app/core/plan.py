"""What a planned placement is: the wish for one, the plan, and what there is to say where none fits."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from math import fsum
from typing import Protocol

from app.gguf.cache import CacheType
from app.text.address import Address
from app.text.units import GIB

Split = tuple[tuple[Address, tuple[int, ...]], ...]
"""Backends in the order of `--rpc`, each with the layers of each of its devices."""

MARGIN_BYTES = GIB
"""What llama-server itself wants left on each device (`--fit-target` in common/arg.cpp)."""
MAX_DEVICES = 15
"""With more llama-server aborts: its scheduler has 16 places, of which the processor of this box takes one
(`GGML_SCHED_MAX_BACKENDS` in ggml/src/ggml-backend.cpp), and each GPU of this box would take another. Nor
does `-ts` take more proportions (`llama_max_devices` in common/arg.cpp)."""


class Needs(Protocol):
    """What memory a model needs, in bytes.

    Its offloadable layers are the repeating ones and one more, the output: index `len(layers)`.
    """

    @property
    def layers(self) -> Sized:
        """The repeating layers."""

    @property
    def host_bytes(self) -> int:
        """What always stays on the coordinator's box."""

    @property
    def trained_context(self) -> int | None:
        """Tokens; None where the model does not tell."""

    def why_not_cached(self, k: CacheType, v: CacheType) -> str | None:
        """Why keys and values cannot be stored like that, in a sentence; None where they can."""

    def weights_of(self, first: int, count: int) -> int:
        """The weights of `count` layers from `first` on."""

    def cache_of(self, first: int, count: int, context: int, k: CacheType, v: CacheType) -> int:
        """The caches of `count` layers from `first` on; more context never needs less."""

    def compute_bytes(self, context: int, *, has_output: bool) -> int:
        """What a device needs to compute its layers, however many; with the output never less."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A backend that a coordinator of ours holds for another model, and goes on holding."""

    address: Address
    model: str
    held_bytes: int | None
    """What that model has there, over all devices; None: not known, and then it counts as all there is."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a model is to be placed. A what-if is another wish."""

    context: int
    """Tokens."""
    k: CacheType
    v: CacheType
    left_out: frozenset[Address] = frozenset()
    """Not to be used, even if also forced."""
    taken: tuple[Taken, ...] = ()
    """Not to be used either; what they hold is missing on their boxes."""
    forced: frozenset[Address] = frozenset()
    """To be used also where the model fits without them."""
    every: bool = False
    """Use all backends, not the fewest that hold the model."""
    anyway: bool = False
    """Place every layer also where they do not fit."""
    margin_bytes: int = MARGIN_BYTES
    """To stay free on each device."""
    max_devices: int = MAX_DEVICES
    """As many as the engine takes, over all backends."""


@dataclass(frozen=True, slots=True)
class PlannedDevice:
    """What one device is to hold."""

    backend: Address
    device: int
    """Its index among the backend's devices."""
    layers: int
    """The output counts as one."""
    first_layer: int
    weights_bytes: int
    cache_bytes: int
    compute_bytes: int
    free_before: int
    """What the plan counts on: of memory that several backends claim, only a part."""
    learnt_bytes: int = 0
    """Kept free beside that, as it took so much more than planned before."""
    latency_ms: float | None = None
    """One round trip to its backend; None where it was not measured."""

    @property
    def held_bytes(self) -> int:
        """Weights, cache and compute buffer together."""
        return self.weights_bytes + self.cache_bytes + self.compute_bytes

    @property
    def free_after(self) -> int:
        """What is left, the margin included."""
        return self.free_before - self.held_bytes - self.learnt_bytes


@dataclass(frozen=True, slots=True)
class Excluded:
    """A backend that has no part in it."""

    address: Address
    reason: str
    """A sentence."""
    usable: bool = False
    """Whether it can have a part in it where it is asked for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A placement; it fits, unless it was wished for in any case."""

    rows: tuple[PlannedDevice, ...]
    """Every device of the backends, in the order of `--rpc`; the layers follow one another down the rows."""
    context: int
    k: str
    v: str
    host_bytes: int
    """Stays on the coordinator's box."""
    excluded: tuple[Excluded, ...]
    reasons: tuple[str, ...]
    short_by: int = 0
    """Weights and caches that have no place, where they are placed all the same; else nothing."""
    past_rate: float | None = None
    """Tokens per second, as it was when last placed like that; None where that is not known."""

    @property
    def backends(self) -> tuple[Address, ...]:
        """In the order in which `--rpc` is to name them."""
        return tuple(dict.fromkeys(row.backend for row in self.rows))

    @property
    def tensor_split(self) -> tuple[int, ...]:
        """The proportions for `-ts`: the layers of each device.

        They are met exactly: layer i of n goes to the first device whose cumulative share is above i/n
        (`llama_model_base::load_tensors` in src/llama-model.cpp).
        """
        return tuple(row.layers for row in self.rows)

    @property
    def split(self) -> Split:
        """The layers of each device, backend by backend."""
        return tuple(
            (backend, tuple(row.layers for row in self.rows if row.backend == backend))
            for backend in self.backends
        )

    @property
    def round_trips_ms(self) -> float | None:
        """What the links add to each token at least, one round trip to each backend; None: one is unknown."""
        links = {row.backend: row.latency_ms for row in self.rows}.values()
        known = [link for link in links if link is not None]
        return fsum(known) if len(known) == len(links) else None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A change after which the model fits, found by planning with it."""

    sentence: str
    wish: Wish
    more_bytes: int | None = None
    """Free memory of one more backend, of one device; None where the wish alone does it."""

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Misfit:
    """No placement fits: how far it would go, and what would help."""

    rows: tuple[PlannedDevice, ...]
    """As in a plan, but the last layers have no place."""
    short_by: int
    """Weights and caches of the layers that have no place."""
    nearest: tuple[Suggestion, ...]
    excluded: tuple[Excluded, ...]
    reasons: tuple[str, ...]
    context: int
    k: str
    v: str
    host_bytes: int
    """Would stay on the coordinator's box."""
