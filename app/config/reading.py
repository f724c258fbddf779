"""Reads a configuration file into values by dotted key, each checked against the types of the settings."""

from __future__ import annotations

import collections.abc
import difflib
import math
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from app.config.kinds import Kind
from app.config.settings import Settings
from app.text.problem import Problem

FILE_LIMIT = 1 << 20
"""A larger file is no configuration, in bytes."""
SHOWN = 5
"""So many faults of one file are told at once."""


class SettingsProblem(Problem):
    """A configuration that cannot be used: one sentence for each fault, with file and line."""


class _Fault(Exception):  # noqa: N818  what the sentences call it
    def __init__(self, node: yaml.Node, text: str) -> None:
        self.line = node.start_mark.line + 1
        self.text = text


def read_file(path: Path) -> dict[str, object]:
    """The values that a file sets, by dotted key such as `routing.pool_up_to`.

    Raises:
        SettingsProblem: unreadable, no YAML, an unknown key, a value that is not allowed.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise SettingsProblem(f"The configuration {path} cannot be read: {error.strerror}.") from None
    if len(content) > FILE_LIMIT:
        raise SettingsProblem(f"The configuration {path} is larger than {FILE_LIMIT} bytes.")
    try:
        root = yaml.compose(content.decode("utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise SettingsProblem(f"The configuration {path} is not UTF-8 at byte {error.start}.") from None
    except yaml.MarkedYAMLError as error:
        raise SettingsProblem(_syntax(path, error)) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise SettingsProblem(
            f"The configuration {path} is not YAML: {str(error).splitlines()[0]}."
        ) from None
    if root is None:
        return {}
    values, faults = _read_group(root, Settings, "")
    if faults:
        told = [f"{path}, line {fault.line}: {fault.text}" for fault in sorted(faults, key=lambda f: f.line)]
        more = [f"... and {len(told) - SHOWN} more."] if len(told) > SHOWN else []
        raise SettingsProblem("\n".join((*told[:SHOWN], *more)))
    return values


def leaves(group: type = Settings, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every setting as its dotted key and its type, in the order of the file."""
    hints = get_type_hints(group, include_extras=True)
    for entry in fields(group):
        key, kind = f"{prefix}{entry.name}", hints[entry.name]
        if isinstance(kind, type) and is_dataclass(kind):
            yield from leaves(kind, f"{key}.")
        else:
            yield key, kind


def _syntax(path: Path, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{path}{where}: this is not YAML: {error.problem or error.context}."


def _read_group(node: yaml.Node, group: type, prefix: str) -> tuple[dict[str, object], list[_Fault]]:
    if not isinstance(node, yaml.MappingNode):
        name = f"'{prefix[:-1]}'" if prefix else "The file"
        return {}, [_Fault(node, f"{name} must be keys with values.")]
    hints = get_type_hints(group, include_extras=True)
    values: dict[str, object] = {}
    faults: list[_Fault] = []
    seen: set[str] = set()
    for key_node, value_node in node.value:
        name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
        key = f"{prefix}{name}"
        if name in seen:
            faults.append(_Fault(key_node, f"'{key}' is set twice."))
        elif name not in hints:
            faults.append(_Fault(key_node, f"'{key}' is no setting.{_suggestion(name, prefix, hints)}"))
        elif isinstance(hints[name], type) and is_dataclass(hints[name]):
            inner, inner_faults = _read_group(value_node, hints[name], f"{key}.")
            values |= inner
            faults += inner_faults
        else:
            try:
                values[key] = _read(value_node, hints[name], key)
            except _Fault as fault:
                faults.append(fault)
        seen.add(name)
    return values, faults


def _suggestion(name: str, prefix: str, hints: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, hints, n=1)
    if close:
        return f" Did you mean '{prefix}{close[0]}'?"
    elsewhere = [key for key, _ in leaves() if key.rpartition(".")[2] == name]
    return f" Did you mean '{elsewhere[0]}'?" if elsewhere else ""


def _read(node: yaml.Node, kind: Any, key: str) -> object:  # noqa: ANN401  a type hint
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        inner = next(a for a in arguments if a is not types.NoneType)
        return None if _scalar(node) is None and _is_scalar(node) else _read(node, inner, key)
    if origin is Annotated:
        return _limited(node, arguments[0], arguments[1], key)
    if origin is tuple:
        if not isinstance(node, yaml.SequenceNode):
            raise _wrong(node, key, "a list, such as [a, b]")
        return tuple(_read(item, arguments[0], key) for item in node.value)
    if origin is Literal:
        return _one_of(node, arguments, key)
    if origin is collections.abc.Mapping:
        return _read_mapping(node, arguments[1], key)
    return _plain(node, kind, key)


def _read_mapping(node: yaml.Node, kind: object, key: str) -> dict[str, object]:
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(node, key, "names with values")
    return {str(name.value): _read(value, kind, f"{key}.{name.value}") for name, value in node.value}


def _one_of(node: yaml.Node, allowed: tuple[object, ...], key: str) -> object:
    value = _scalar(node)
    if not _is_scalar(node) or value not in allowed:
        raise _wrong(node, key, " or ".join(str(word) for word in allowed))
    return value


def _limited(node: yaml.Node, kind: object, limit: Kind, key: str) -> object:
    value = _scalar(node)
    if (
        not _is_scalar(node)
        or value is None
        or isinstance(value, bool)
        or (kind is int and isinstance(value, float))
    ):
        raise _wrong(node, key, limit.allowed)
    try:
        return limit.read(float(value) if kind is float and isinstance(value, int) else value)
    except Problem as problem:
        raise _Fault(node, f"'{key}': {problem}") from None
    except (ValueError, OverflowError):
        raise _wrong(node, key, limit.allowed) from None


def _plain(node: yaml.Node, kind: object, key: str) -> object:
    value = _scalar(node)
    if kind is Path and isinstance(value, str) and value and "\0" not in value:
        return Path(value).expanduser()
    if kind is str and isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(node.value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise _wrong(node, key, {Path: "a path", str: "text", bool: "true or false"}.get(kind, "another value"))  # type: ignore[call-overload]


def _is_scalar(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode)


def _scalar(node: yaml.Node) -> object:
    """The value of a scalar as YAML's safe rules read it; text where they cannot, None for anything else."""
    if not isinstance(node, yaml.ScalarNode):
        return None
    try:
        value: object = yaml.SafeLoader("").construct_object(node)  # type: ignore[no-untyped-call]
    except (yaml.YAMLError, ValueError, OverflowError):
        return str(node.value)
    return str(node.value) if isinstance(value, float) and not math.isfinite(value) else value


def _wrong(node: yaml.Node, key: str, allowed: str) -> _Fault:
    shown = str(node.value) if isinstance(node, yaml.ScalarNode) else "a group"
    if isinstance(node, yaml.SequenceNode):
        shown = "a list"
    return _Fault(node, f"'{key}' cannot be '{shown[:60]}'; it must be {allowed}.")
