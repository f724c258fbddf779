"""Ollama's model names: `[host/][namespace/]model[:tag]`.

Sources: ollama/types/model/name.go, ollama/internal/modelref/modelref.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from app.text.problem import Problem

DEFAULT_HOST = "registry.ollama.ai"
DEFAULT_NAMESPACE = "library"
DEFAULT_TAG = "latest"

_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}")
_NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_CLOUD, _LOCAL = "cloud", "local"
_CLOUD_TAG = "-cloud"


class NameProblem(Problem):
    """Text that is no model name."""


@dataclass(frozen=True, slots=True)
class ModelName:
    """A whole name, its defaults filled in."""

    host: str
    namespace: str
    model: str
    tag: str

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """The four parts, which are also the folders and the file of the manifest in a store."""
        return self.host, self.namespace, self.model, self.tag

    @property
    def display(self) -> str:
        """The shortest form that Ollama itself shows: defaults left out, but always with the tag."""
        short = f"{self.model}:{self.tag}"
        if self.host.lower() != DEFAULT_HOST:
            return f"{self.host}/{self.namespace}/{short}"
        return short if self.namespace.lower() == DEFAULT_NAMESPACE else f"{self.namespace}/{short}"

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Equal for names that Ollama takes for the same: it ignores case."""
        return self.host.lower(), self.namespace.lower(), self.model.lower(), self.tag.lower()

    def __str__(self) -> str:
        return self.display


def parse_name(text: str) -> ModelName:
    """The whole name that `text` stands for.

    A trailing `:local` only says that no cloud model is meant, and is dropped; `:cloud` becomes part of the
    tag, as in the names that Ollama lists: `gpt-oss:120b:cloud` is `gpt-oss:120b-cloud`.

    Raises:
        NameProblem: it is no model name.
    """
    rest, source = _split_source(text.strip())
    if source and _split_source(rest)[1]:
        raise NameProblem(f"'{text}' asks for both :local and :cloud.", "Give one of them, or none.")
    tagged = rest.rfind(":") > rest.rfind("/")
    rest, _, tag = rest.rpartition(":") if tagged else (rest, "", DEFAULT_TAG)
    if source == _CLOUD:
        tag = f"{tag}{_CLOUD_TAG}" if tagged else _CLOUD
    rest, slash, model = rest.rpartition("/")
    rest, second_slash, namespace = rest.rpartition("/") if slash else ("", "", DEFAULT_NAMESPACE)
    host = rest.partition("://")[2] or rest if second_slash else DEFAULT_HOST
    return _checked(ModelName(host, namespace, model, tag), text)


def name_of_parts(host: str, namespace: str, model: str, tag: str) -> ModelName:
    """The name whose manifest lies at these folders of a store.

    Raises:
        NameProblem: it is no model name.
    """
    return _checked(ModelName(host, namespace, model, tag), "/".join((host, namespace, model, tag)))


@lru_cache(maxsize=4096)
def identity(text: str) -> tuple[str, ...]:
    """Equal for names of the same model; text that is no name is equal only to itself."""
    try:
        return parse_name(text).key
    except NameProblem:
        return (text,)


def same_model(one: str, other: str) -> bool:
    """Whether two names stand for the same model."""
    return identity(one) == identity(other)


def _checked(name: ModelName, text: str) -> ModelName:
    if (
        _HOST.fullmatch(name.host)
        and _NAMESPACE.fullmatch(name.namespace)
        and _PART.fullmatch(name.model)
        and _PART.fullmatch(name.tag)
    ):
        return name
    raise NameProblem(f"'{text}' is no model name.", "Write it as MODEL, MODEL:TAG or NAMESPACE/MODEL:TAG.")


def _split_source(text: str) -> tuple[str, str]:
    """The text without the ending that says where the model runs, and that ending's meaning."""
    base, colon, last = text.rpartition(":")
    ending = last.strip().lower()
    if colon and ending in (_CLOUD, _LOCAL):
        return base, ending
    if colon and "/" not in last and ending.endswith(_CLOUD_TAG):
        return f"{base}:{last.strip()[: -len(_CLOUD_TAG)]}", _CLOUD
    return text, ""
