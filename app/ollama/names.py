"""Ollama's model names: `[host/][namespace/]model[:tag]`. Source: ollama/types/model/name.go."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.text.problem import Problem

DEFAULT_HOST = "registry.ollama.ai"
DEFAULT_NAMESPACE = "library"
DEFAULT_TAG = "latest"

_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}")
_NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")


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
    def display(self) -> str:
        """The shortest form that Ollama itself shows: defaults left out, but always with the tag."""
        short = f"{self.model}:{self.tag}"
        if self.host != DEFAULT_HOST:
            return f"{self.host}/{self.namespace}/{short}"
        return short if self.namespace == DEFAULT_NAMESPACE else f"{self.namespace}/{short}"

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Equal for names that Ollama takes for the same: it ignores case."""
        return tuple(part.casefold() for part in (self.host, self.namespace, self.model, self.tag))  # type: ignore[return-value]


def parse_name(text: str) -> ModelName:
    """The whole name that `text` stands for.

    Raises:
        NameProblem: it is no model name.
    """
    rest = text.strip()
    tag = DEFAULT_TAG
    if rest.rfind(":") > rest.rfind("/"):
        rest, _, tag = rest.rpartition(":")
    rest, slash, model = rest.rpartition("/")
    rest, second_slash, namespace = rest.rpartition("/") if slash else ("", "", DEFAULT_NAMESPACE)
    host = rest.partition("://")[2] or rest if second_slash else DEFAULT_HOST
    name = ModelName(host, namespace, model, tag)
    if not (
        _HOST.fullmatch(host)
        and _NAMESPACE.fullmatch(namespace)
        and _PART.fullmatch(model)
        and _PART.fullmatch(tag)
    ):
        raise NameProblem(
            f"'{text}' is no model name.", "Write it as MODEL, MODEL:TAG or NAMESPACE/MODEL:TAG."
        )
    return name


def same_model(one: str, other: str) -> bool:
    """Whether two names stand for the same model; text that is no name is the same only as itself."""
    try:
        return parse_name(one).key == parse_name(other).key
    except NameProblem:
        return one == other
