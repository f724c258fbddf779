"""What memory a model needs, from its header alone: weights, caches, and an allowance for computing.

How llama.cpp deals a model out: `load_tensors` in src/llama-model.cpp. The token embedding stays on the box
of the coordinator; the layers go to the devices, in order; the output goes where the last layer goes, and
counts as one more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.gguf.cache import CacheType, LayerCache
from app.gguf.caches import caches_of, heads_of
from app.gguf.compute import ComputeNeeds, compute_of
from app.gguf.header import Header
from app.gguf.keys import ModelKeys, NeedsUnknown
from app.gguf.layout import TensorInfo
from app.text.problem import quoted

__all__ = ["CacheType", "LayerNeeds", "Needs", "NeedsUnknown", "needs_of", "needs_of_metadata"]

_BLOCK = re.compile(r"blk\.([0-9]{1,4})\.")
_OF_FIRST = ("per_layer_model_proj.", "per_layer_proj_norm.")
"""Tensors that go where the first layer goes, though their names do not say so."""
_OF_OUTPUT = ("output.", "output_norm.", "altup_")
"""Tensors that go where the output goes (`LLM_TENSOR_LAYER_OUTPUT` in src/llama-arch.cpp)."""
_EMBEDDING, _OUTPUT = "token_embd.weight", "output.weight"


@dataclass(frozen=True, slots=True)
class LayerNeeds:
    """What one repeating layer needs on the device that it goes to."""

    weights_bytes: int
    cache: LayerCache

    def cache_bytes(self, context: int, k: CacheType, v: CacheType) -> int:
        """Bytes of its KV cache and its recurrent state, for one sequence of `context` tokens."""
        return self.cache.bytes_of(context, k, v)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model needs; layers are counted from 0, and the output is the one behind the last."""

    layers: tuple[LayerNeeds, ...]
    """Repeating layers, in order. Those that only predict further tokens are among them, as the engine counts
    them when it deals layers out; it loads nothing of them."""
    output_bytes: int
    """Output head and final norm. Where the head is that of the token embedding, its second copy; a model
    whose output stays on the coordinator's box, like the embedding, has no such copy."""
    host_bytes: int
    """What always stays on the coordinator's box, such as the token embedding."""
    trained_context: int | None
    """Tokens; None where the model does not say."""
    compute: ComputeNeeds
    heads: tuple[int, int] | None = None
    """Elements of one token's key and of its value in one head; None where that is not known."""

    def why_not_cached(self, k: CacheType, v: CacheType) -> str | None:
        """Why llama-server refuses these types of cache, in a sentence; None where nothing speaks against it.

        Source: `llama_init_from_model` in src/llama-context.cpp.
        """
        for what, length, kind in zip(("key", "value"), self.heads or (0, 0), (k, v), strict=True):
            if length % kind.block:
                return (
                    f"Each head has a {what} of {length} numbers, and the cache type {kind} stores them by "
                    f"{kind.block}."
                )
        return None

    def weights_of(self, first: int, count: int) -> int:
        """Bytes of the weights of `count` layers from `first` on, the output among them."""
        weights = (*(layer.weights_bytes for layer in self.layers), self.output_bytes)
        return sum(weights[first : first + count])

    def cache_of(
        self,
        first: int,
        count: int,
        context: int,
        k: CacheType = CacheType.F16,
        v: CacheType = CacheType.F16,
    ) -> int:
        """Bytes of the caches of `count` layers from `first` on, for one sequence of `context` tokens."""
        return sum(layer.cache_bytes(context, k, v) for layer in self.layers[first : first + count])

    def compute_bytes(self, context: int, *, has_output: bool) -> int:
        """An allowance in bytes for the compute buffer of one device, with the output or without."""
        return self.compute.bytes_of(context, has_output=has_output)


def needs_of(header: Header) -> Needs:
    """What the model of a file, or of all parts of a split one, needs.

    Raises:
        NeedsUnknown: the caches of its architecture are not known, nor the type of one of its tensors, or a
            number that they depend on is not said.
    """
    keys = ModelKeys(header.metadata)
    caches = caches_of(keys)
    blocks, output_bytes, host_bytes = _dealt_out(header.tensors)
    tensors = {tensor.name: tensor for tensor in header.tensors}
    embedding = tensors.get(_EMBEDDING)
    if embedding and _OUTPUT not in tensors:
        output_bytes += _size(embedding)
    return Needs(
        layers=_layers(keys, [blocks[number] for number in range(len(caches))], caches),
        output_bytes=output_bytes,
        host_bytes=host_bytes,
        trained_context=keys.whole("context_length"),
        compute=compute_of(keys, caches, _rows(embedding) or keys.whole("vocab_size")),
        heads=heads_of(keys),
    )


def needs_of_metadata(metadata: Mapping[str, object], weights_bytes: int) -> Needs:
    """What a model needs whose tensors nobody lists, from what Ollama's `/api/show` tells as `model_info`.

    The weights are taken to be spread evenly over the layers, with nothing for the output and the host. A
    long list comes as an empty one, so where layers differ too little may be said.

    Raises:
        NeedsUnknown: the caches of its architecture are not known, or a number that they depend on is not
            said.
    """
    keys = ModelKeys(metadata)
    caches = caches_of(keys)
    borders = [number * weights_bytes // len(caches) for number in range(len(caches) + 1)]
    return Needs(
        layers=_layers(keys, [end - begin for begin, end in pairwise(borders)], caches),
        output_bytes=0,
        host_bytes=0,
        trained_context=keys.whole("context_length"),
        compute=compute_of(keys, caches, keys.whole("vocab_size")),
        heads=heads_of(keys),
    )


def _layers(keys: ModelKeys, weights: Sequence[int], caches: Sequence[LayerCache]) -> tuple[LayerNeeds, ...]:
    answering = tuple(LayerNeeds(size, cache) for size, cache in zip(weights, caches, strict=True))
    return answering + (LayerNeeds(0, LayerCache()),) * keys.further


def _dealt_out(tensors: Iterable[TensorInfo]) -> tuple[Counter[int], int, int]:
    """Bytes of each layer by its number, those of the output, and those that stay on the host."""
    blocks, output, host = Counter[int](), 0, 0
    for tensor in tensors:
        if block := _BLOCK.match(tensor.name):
            blocks[int(block[1])] += _size(tensor)
        elif tensor.name.startswith(_OF_FIRST):
            blocks[0] += _size(tensor)
        elif tensor.name.startswith(_OF_OUTPUT):
            output += _size(tensor)
        else:
            host += _size(tensor)
    return blocks, output, host


def _rows(tensor: TensorInfo | None) -> int | None:
    return tensor.shape[-1] if tensor and tensor.shape else None


def _size(tensor: TensorInfo) -> int:
    if tensor.size is None:
        raise NeedsUnknown(f"The tensor {quoted(tensor.name)} is of the unknown type {tensor.type_id}.")
    return tensor.size
