"""The numbers that a model's metadata gives under the name of its architecture: `llama.block_count`, ..."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.gguf.layout import SkippedArray
from app.text.problem import Problem, quoted

LAYERS_LIMIT = 512
"""llama.cpp loads no model of more layers (src/llama-hparams.h)."""
_REMEDY = "Start it and read what the engine reserves, or let the engine fit it by itself."


class NeedsUnknown(Problem):
    """A model whose memory cannot be told from what is said about it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, _REMEDY)


@dataclass(frozen=True, slots=True)
class ModelKeys:
    """Reads them; a key of another type than llama.cpp writes is as good as none."""

    metadata: Mapping[str, object]

    @property
    def architecture(self) -> str:
        """`llama`, `qwen3moe`, ...

        Raises:
            NeedsUnknown: none is named.
        """
        name = self.metadata.get("general.architecture")
        if not isinstance(name, str) or not name:
            raise NeedsUnknown("The model does not say of which architecture it is.")
        return name

    @property
    def layers(self) -> int:
        """Repeating layers that answer.

        Raises:
            NeedsUnknown: it is not said, or more than any model has.
        """
        layers = self.required("block_count") - self.further
        if not 0 < layers <= LAYERS_LIMIT:
            raise NeedsUnknown(f"The model claims to have {layers} layers.")
        return layers

    @property
    def further(self) -> int:
        """Layers behind those that only predict further tokens; the engine loads nothing of them.

        Raises:
            NeedsUnknown: more than any model has.
        """
        further = self.number("nextn_predict_layers", 0)
        if further > LAYERS_LIMIT:
            raise NeedsUnknown(f"The model claims to have {further} layers that predict further tokens.")
        return further

    def whole(self, name: str) -> int | None:
        """One number for the whole model; None where none is said.

        Raises:
            NeedsUnknown: there is one for each layer.
        """
        value = self._value(name)
        if isinstance(value, tuple | list):
            raise NeedsUnknown(f"The model's {quoted(name)} is a list, and one number is wanted.")
        return _whole(value)

    def number(self, name: str, default: int) -> int:
        """One number for the whole model, or what llama.cpp takes where none is said.

        Raises:
            NeedsUnknown: there is one for each layer.
        """
        value = self.whole(name)
        return default if value is None else value

    def required(self, name: str) -> int:
        """One number for the whole model.

        Raises:
            NeedsUnknown: it is not said.
        """
        value = self.whole(name)
        if value is None:
            raise NeedsUnknown(f"The model does not say its {quoted(name)}.")
        return value

    def each(self, name: str) -> tuple[int, ...] | None:
        """One number for each layer, the same for all where only one is said; None where none is said.

        Raises:
            NeedsUnknown: the list is not there as a whole.
        """
        value = self._value(name)
        if not isinstance(value, tuple | list):
            number = _whole(value)
            return None if number is None else (number,) * self.layers
        numbers = [int(number) for number in value if isinstance(number, int) and number >= 0]
        if len(numbers) != len(value) or len(numbers) < self.layers:
            raise NeedsUnknown(f"The model's {quoted(name)} is not there for each of its layers.")
        return tuple(numbers[: self.layers])

    def is_list(self, name: str) -> bool:
        """Whether there is one value for each layer, be it here or not."""
        return isinstance(self._value(name), tuple | list)

    def _value(self, name: str) -> object:
        """What is said, and an empty list for one that was passed over: here, or by Ollama."""
        key = f"{self.architecture}.{name}"
        value = self.metadata.get(key)
        passed_over = isinstance(value, SkippedArray) or (value is None and key in self.metadata)
        return () if passed_over else value


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
