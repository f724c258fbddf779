"""What a command is, and how a typed line becomes one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from app.text.problem import Problem
from app.ui.places import EVERYWHERE, Place

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


Deed = Callable[["MainScreen", str], Awaitable[None] | None]
"""What a command does, given its argument or "": at once, or as something to be awaited."""


_LONGEST = 2
"""The most words that a name has."""


class CommandProblem(Problem):
    """A line that is no command, or one that cannot run now."""


def _no_choice(_screen: MainScreen) -> Iterable[str]:
    return ()


def _accept(text: str) -> object:
    return text


def _always(_screen: MainScreen) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Argument:
    """The one thing that may follow a command's name."""

    spec: str
    """As help shows it: `HOST[:PORT]`."""
    required: bool = True
    choices: Callable[[MainScreen], Iterable[str]] = _no_choice
    """What completion offers."""
    check: Callable[[str], object] = _accept
    """Raises a Problem where the text cannot be one."""
    tells: Callable[[str], str] = lambda _text: ""
    """What will be done with a text that can be one; empty where that goes without saying."""
    first: Callable[[MainScreen], str] = lambda _screen: ""
    """What stands there already when the command is begun by its key."""

    def offers(self, screen: MainScreen, begun: str) -> list[str]:
        """What completion makes of the text that is typed so far; what begins with it comes first."""
        folded = begun.casefold()
        choices = [choice for choice in self.choices(screen) if folded in choice.casefold()]
        return sorted(choices, key=lambda choice: not choice.casefold().startswith(folded))

    def shown(self, choice: str) -> str:
        """What of a choice is shown under the line."""
        return choice


@dataclass(frozen=True, slots=True)
class PathArgument(Argument):
    """A file of this box."""

    def offers(self, screen: MainScreen, begun: str) -> list[str]:
        """What is in the folder that the text names, as far as it is read."""
        return screen.folder.paths(begun)

    def shown(self, choice: str) -> str:
        """Its name in its folder."""
        return choice[choice.rstrip("/").rfind("/") + 1 :]


@dataclass(frozen=True, slots=True)
class Command:
    """One action, defined once: its key, its `:` line, its `/` line, the palette and help come from here."""

    name: str
    help: str
    run: Deed
    argument: Argument | None = None
    aliases: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """As Textual names them; the first one is shown."""
    where: frozenset[Place] = EVERYWHERE
    """The panes in which the keys work; the words work everywhere."""
    why_not: Callable[[MainScreen], str | None] = _always
    """Why it cannot run now, in one sentence; None where it can."""
    label: str = ""
    """A word or two for the footer, where its key is worth a place there."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and its aliases."""
        return (self.name, *self.aliases)

    @property
    def usage(self) -> str:
        """Its name with its argument, as help shows it."""
        if self.argument is None:
            return self.name
        spec = self.argument.spec
        return f"{self.name} {spec if self.argument.required else f'[{spec}]'}"

    def check(self, argument: str) -> None:
        """Refuse an argument that is missing, too much or wrong.

        Raises:
            Problem: in one sentence, with what to type instead.
        """
        if self.argument is None:
            if argument:
                raise CommandProblem(f"'{self.name}' takes nothing after it.", f"Type just '{self.name}'.")
        elif argument:
            self.argument.check(argument)
        elif self.argument.required:
            raise CommandProblem(f"'{self.name}' needs {self.argument.spec}.", f"Type '{self.usage}'.")


@dataclass(frozen=True, slots=True)
class Order:
    """A command with what was typed after it."""

    command: Command
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """One way in which a line can go on."""

    line: str
    """The whole line, completed."""
    shown: str
    help: str = ""


def parse(line: str, table: Sequence[Command]) -> Order:
    """The command that `line` names, with its argument, checked.

    Raises:
        Problem: there is no such command, or its argument is wrong.
    """
    found = _longest_name(line, table)
    if found is None:
        raise _unknown(line.strip(), table)
    command, argument = found
    command.check(argument)
    return Order(command, argument)


def completions(line: str, table: Sequence[Command], screen: MainScreen) -> list[Completion]:
    """How `line` can go on: with the rest of a name, or with an argument."""
    typed = line.lstrip()
    found = _longest_name(typed, table)
    if found is not None and found[0].argument is not None and (typed[-1:].isspace() or found[1]):
        return list(_argument_completions(typed, found[0].argument, found[1], screen))
    words = " ".join(typed.casefold().split()) + (" " if typed[-1:].isspace() else "")
    named = [(next((n for n in command.names if n.startswith(words)), None), command) for command in table]
    return [
        Completion(f"{name} " if command.argument else name, name, command.help)
        for name, command in named
        if name is not None
    ]


def _argument_completions(
    typed: str, argument: Argument, begun: str, screen: MainScreen
) -> Iterator[Completion]:
    before = typed[: typed.rindex(begun)]
    choices = argument.offers(screen, begun)
    for choice in choices:
        yield Completion(f"{before}{choice}", argument.shown(choice))
    if begun and not choices and (said := _why_wrong(argument, begun) or argument.tells(begun)):
        yield Completion(typed, argument.spec, said)


def _why_wrong(argument: Argument, text: str) -> str:
    """Why that cannot be the argument, as far as it is typed; empty where it can."""
    try:
        argument.check(text)
    except Problem as problem:
        return str(problem)
    return ""


def _longest_name(line: str, table: Iterable[Command]) -> tuple[Command, str] | None:
    """The command whose name takes up most words of the line, and the text after it."""
    words = line.split()
    named = {name: command for command in table for name in command.names}
    for count in range(min(len(words), _LONGEST), 0, -1):
        command = named.get(" ".join(words[:count]).casefold())
        if command is not None:
            rest = line.split(maxsplit=count)[count:]
            return command, rest[0].strip() if rest else ""
    return None


def _unknown(line: str, table: Iterable[Command]) -> CommandProblem:
    names = [name for command in table for name in command.names]
    first = line.split()[0] if line else ""
    family = [name for name in names if name.startswith(f"{first.casefold()} ")] if first else []
    close = [name for text in (line, first) for name in get_close_matches(text.casefold(), names, 1)]
    near = family or close[:1]
    shown = line if family else first
    remedy = f"Did you mean {' or '.join(repr(name) for name in near)}?" if near else "'help' lists them all."
    return CommandProblem(f"There is no command '{shown}'.", remedy)
