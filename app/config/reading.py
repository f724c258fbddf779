"""Reads a configuration file into values by dotted key, each checked against the types of the settings."""

from __future__ import annotations

import collections.abc
import difflib
import types
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from app.config.disk import read_small
from app.config.kinds import PATH, SWITCH, TEXT, Kind, OneOf
from app.config.settings import RoutingSettings, Settings
from app.text.problem import Problem, quoted
from app.text.units import count_text

SHOWN = 5
"""So many faults of one file are told at once."""

_KINDS: dict[type, Kind] = {str: TEXT, bool: SWITCH, Path: PATH}
"""Of the types that have no limits of their own."""
_NULL = "tag:yaml.org,2002:null"


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
    root = _compose(path)
    if root is None:
        return {}
    reading = _Reading()
    reading.group(root, Settings, "")
    faults = reading.faults or list(_contradictions(reading))
    if faults:
        told = [f"{path}, line {fault.line}: {fault.text}" for fault in sorted(faults, key=lambda f: f.line)]
        more = [f"... and {len(told) - SHOWN} more."] if len(told) > SHOWN else []
        raise SettingsProblem("\n".join((*told[:SHOWN], *more)))
    return reading.values


def leaves(group: type = Settings, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every setting as its dotted key and its type, in the order of the file."""
    hints = get_type_hints(group, include_extras=True)
    for entry in fields(group):
        key, hint = f"{prefix}{entry.name}", hints[entry.name]
        if _is_group(hint):
            yield from leaves(hint, f"{key}.")
        else:
            yield key, hint


def _compose(path: Path) -> yaml.Node | None:
    """The nodes of the file, which know their lines; nothing is constructed from them."""
    try:
        return yaml.compose(read_small(path).decode("utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise SettingsProblem(f"The configuration {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise SettingsProblem(f"The configuration {path} is not UTF-8 at byte {error.start}.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise SettingsProblem(f"{path}{where}: this is not YAML: {what}.") from None
    except yaml.YAMLError as error:
        what = str(error).partition("\n")[0]
        raise SettingsProblem(f"The configuration {path} is not YAML: {what}.") from None
    except RecursionError:
        raise SettingsProblem(f"The configuration {path} is nested too deeply.") from None


@dataclass(frozen=True, slots=True)
class _Reading:
    """What has been understood of a file so far, and what has not."""

    values: dict[str, object] = field(default_factory=dict)
    nodes: dict[str, yaml.Node] = field(default_factory=dict)
    """Where each value stands, by its key."""
    faults: list[_Fault] = field(default_factory=list)

    def group(self, node: yaml.Node, group: type, prefix: str) -> None:
        """Read the settings of a group, and the groups in it."""
        if _is_null(node):  # a group whose keys are all commented out
            return
        if not isinstance(node, yaml.MappingNode):
            name = f"'{prefix[:-1]}'" if prefix else "The file"
            self.faults.append(_Fault(node, f"{name} must be keys with values."))
            return
        hints = get_type_hints(group, include_extras=True)
        for name, key_node, value_node in self._entries(node, prefix):
            if name not in hints:
                text = f"{quoted(prefix + name)} is no setting.{_suggestion(name, prefix, list(hints))}"
                self.faults.append(_Fault(key_node, text))
            elif _is_group(hints[name]):
                self.group(value_node, hints[name], f"{prefix}{name}.")
            else:
                self._setting(value_node, hints[name], f"{prefix}{name}")

    def _setting(self, node: yaml.Node, hint: object, key: str) -> None:
        try:
            self.values[key] = self._value(node, hint, key)
            self.nodes[key] = node
        except _Fault as fault:
            self.faults.append(fault)

    def _value(self, node: yaml.Node, hint: object, key: str) -> object:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            inner = next(a for a in arguments if a is not types.NoneType)
            return None if _is_null(node) else self._value(node, inner, key)
        if origin is tuple:
            if not isinstance(node, yaml.SequenceNode):
                raise _wrong(node, key, "a list, such as [a, b]")
            return tuple(self._value(item, arguments[0], key) for item in node.value)
        if origin is collections.abc.Mapping:
            if not isinstance(node, yaml.MappingNode):
                raise _wrong(node, key, "names with values")
            entries = self._entries(node, f"{key}.")
            return {name: self._value(value, arguments[1], f"{key}.{name}") for name, _, value in entries}
        return _scalar(node, _kind(hint), key)

    def _entries(self, node: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        below = f" of '{prefix[:-1]}'" if prefix else ""
        seen: set[str] = set()
        for key_node, value_node in node.value:
            name = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if name is None:
                self.faults.append(_Fault(key_node, f"A key{below} is not a word."))
            elif name in seen:
                self.faults.append(_Fault(key_node, f"{quoted(prefix + name)} is set twice."))
            else:
                seen.add(name)
                yield name, key_node, value_node


def _contradictions(reading: _Reading) -> Iterator[_Fault]:
    """Values that are each allowed, but not together."""
    defaults, lower, upper = RoutingSettings(), "routing.pool_up_to", "routing.pool_preferred_up_to"
    least = reading.values.get(lower, defaults.pool_up_to)
    most = reading.values.get(upper, defaults.pool_preferred_up_to)
    assert isinstance(least, int)
    assert isinstance(most, int)
    if least > most:
        node = reading.nodes.get(lower) or reading.nodes[upper]
        yield _Fault(node, f"'{lower}' ({count_text(least)}) is larger than '{upper}' ({count_text(most)}).")


def _suggestion(name: str, prefix: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f" Did you mean '{prefix}{close[0]}'?"
    elsewhere = [key for key, _ in leaves() if key.rpartition(".")[2] == name]
    return f" Did you mean '{elsewhere[0]}'?" if elsewhere else ""


def _kind(hint: Any) -> Kind:  # noqa: ANN401  a type hint
    if get_origin(hint) is Annotated:
        kind: Kind = get_args(hint)[1]
        return kind
    return OneOf(get_args(hint)) if get_origin(hint) is Literal else _KINDS[hint]


def _scalar(node: yaml.Node, kind: Kind, key: str) -> object:
    """The value of a scalar from its text alone.

    What YAML itself would make of it is no help: 010 would be eight, 12:30 a number, `on` no text.
    """
    if not isinstance(node, yaml.ScalarNode) or _is_null(node):
        raise _wrong(node, key, kind.allowed)
    if node.tag not in yaml.SafeLoader.yaml_constructors:
        raise _Fault(node, f"'{key}' has the tag {quoted(node.tag)}, and settings have none.")
    try:
        return kind.read(node.value)
    except Problem as problem:
        raise _Fault(node, f"'{key}': {problem}") from None
    except ValueError:
        raise _wrong(node, key, kind.allowed) from None


def _is_group(hint: object) -> bool:
    return isinstance(hint, type) and is_dataclass(hint)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and bool(node.tag == _NULL)


def _wrong(node: yaml.Node, key: str, allowed: str) -> _Fault:
    if isinstance(node, yaml.SequenceNode):
        shown = "a list"
    elif isinstance(node, yaml.MappingNode):
        shown = "keys with values"
    else:
        shown = "nothing" if _is_null(node) and not node.value else quoted(str(node.value))
    return _Fault(node, f"'{key}' cannot be {shown}; it must be {allowed}.")
