"""The environment that the engine's programs are given."""

from __future__ import annotations

from collections.abc import Mapping

_TAKEN_FOR_OPTIONS = ("LLAMA_", "HF_", "GGML_RPC_")


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without variables that the engine would take for options."""
    return {name: value for name, value in environment.items() if not name.startswith(_TAKEN_FOR_OPTIONS)}
