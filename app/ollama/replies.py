"""What a node says of its models. Source: ollama/api/types.go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.ollama.fields import Json, count, moment, part, parts, text, whole, words
from app.text.units import parse_count

_PARAMETERS = re.compile(r"[0-9.]{1,12}\s*[KMBT]")
"""Ollama always writes the unit (format.HumanNumber): a bare number is something else."""
_FROM = re.compile(r"^FROM[ \t]*(.*?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NodeModel:
    """A model that a node has; None where the node does not say."""

    name: str
    """As the node writes it."""
    digest: str | None = None
    size: int | None = None
    """Bytes of all its layers; of a stub, next to nothing."""
    parameters: int | None = None
    """All of them, a projector's too; rounded, as the node rounds."""
    parameter_text: str | None = None
    """The same, as the node writes it."""
    quantization: str | None = None
    family: str | None = None
    format: str | None = None
    context_length: int | None = None
    """Tokens that the model was trained for."""
    capabilities: frozenset[str] | None = None
    """Such as `completion`, `embedding`, `vision`, `tools`, `thinking`."""
    remote: bool = False
    """A stub: it runs in Ollama's cloud."""
    modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in a node's memory; None where the node does not say."""

    name: str
    """As the node writes it."""
    digest: str | None = None
    size: int | None = None
    """Bytes of weights, context and buffers."""
    vram_bytes: int | None = None
    """Those of them on a GPU; 0: it runs on the processor."""
    context_length: int | None = None
    """Tokens that one conversation can have there now."""
    expires: datetime | None = None
    """When it will be unloaded, unless it is asked again."""


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """What the header of a model's file says, by way of a node; None where it does not."""

    parameters: int | None = None
    """Exact: the elements of all tensors."""
    architecture: str | None = None
    layers: int | None = None
    context_length: int | None = None
    """Tokens that the model was trained for."""
    embedding_length: int | None = None
    expert_count: int | None = None
    capabilities: frozenset[str] | None = None
    blob_path: str | None = None
    """The file with its weights, on the node's box."""
    model_info: Mapping[str, object] = field(default_factory=dict, repr=False)
    """The header's keys and values, long arrays left out."""


def node_models(reply: Json) -> tuple[NodeModel, ...]:
    """The models in a reply to /api/tags; one without a name cannot be asked for, and is left out."""
    return tuple(_node_model(name, said) for said in parts(reply, "models") if (name := _name(said)))


def loaded_models(reply: Json) -> tuple[LoadedModel, ...]:
    """The models in a reply to /api/ps; one without a name is left out."""
    return tuple(_loaded_model(name, said) for said in parts(reply, "models") if (name := _name(said)))


def model_details(reply: Json) -> ModelDetails:
    """The details in a reply to /api/show."""
    info = part(reply, "model_info")
    architecture = text(info, "general.architecture")
    return ModelDetails(
        parameters=count(info, "general.parameter_count"),
        architecture=architecture,
        layers=count(info, f"{architecture}.block_count"),
        context_length=count(info, f"{architecture}.context_length"),
        embedding_length=count(info, f"{architecture}.embedding_length"),
        expert_count=count(info, f"{architecture}.expert_count"),
        capabilities=words(reply, "capabilities"),
        blob_path=_blob_path(reply.get("modelfile")),
        model_info=info,
    )


def _name(said: Json) -> str | None:
    return text(said, "name") or text(said, "model")


def _node_model(name: str, said: Json) -> NodeModel:
    details = part(said, "details")
    parameter_text = text(details, "parameter_size")
    return NodeModel(
        name=name,
        digest=text(said, "digest"),
        size=count(said, "size"),
        parameters=_parameters(parameter_text),
        parameter_text=parameter_text,
        quantization=text(details, "quantization_level"),
        family=text(details, "family"),
        format=text(details, "format"),
        context_length=count(details, "context_length"),
        capabilities=words(said, "capabilities"),
        remote=bool(text(said, "remote_host") or text(said, "remote_model")),
        modified=moment(said, "modified_at"),
    )


def _loaded_model(name: str, said: Json) -> LoadedModel:
    return LoadedModel(
        name=name,
        digest=text(said, "digest"),
        size=count(said, "size"),
        vram_bytes=whole(said, "size_vram"),
        context_length=count(said, "context_length"),
        expires=moment(said, "expires_at"),
    )


def _parameters(written: str | None) -> int | None:
    return (parse_count(written) or None) if written and _PARAMETERS.fullmatch(written) else None


def _blob_path(modelfile: object) -> str | None:
    """What the first FROM names, where that is a file and not another model."""
    first = _FROM.search(modelfile) if isinstance(modelfile, str) else None
    return first[1] if first and first[1].startswith("/") and first[1].isprintable() else None
