"""What a node says while it pulls a model. Source: ollama/server/images.go, `PullModel`; api/types.go."""

from __future__ import annotations

from dataclasses import dataclass

from app.ollama.documents import NoSuchDocument, decode
from app.ollama.failure import NodeProblem, Trouble, reported_error
from app.ollama.fields import count, text, whole

_SUCCESS = "success"
_GOES_ON = "Pull it again: it goes on where it stopped."
_ABSENT = ("file does not exist", "manifest unknown")
_DISK_FULL = "no space left on device"


@dataclass(frozen=True, slots=True)
class PullStep:
    """One line of a pull: what the node is at, and how far it is with one layer."""

    status: str
    """In Ollama's words: `pulling manifest`, `pulling 667b0c1932bc`, `verifying sha256 digest`."""
    digest: str | None = None
    """The layer that it tells of."""
    total: int | None = None
    """Bytes of that layer."""
    completed: int = 0
    """Bytes of it that are there."""

    @property
    def done(self) -> bool:
        """Whether the model is there as a whole."""
        return self.status == _SUCCESS


def pull_step(url: str, model: str, line: bytes) -> PullStep:
    """The step that a line of the node at `url` tells.

    Raises:
        NodeProblem: it reports an error, or is no line of a pull.
    """
    try:
        said = decode(line, dict[str, object])
    except NoSuchDocument:
        raise NodeProblem(f"{url} sent something that is no part of a pull.", _GOES_ON) from None
    if report := reported_error(said):
        raise NodeProblem(*_trouble(url, model, report))
    return PullStep(
        text(said, "status") or "",
        text(said, "digest"),
        count(said, "total"),
        whole(said, "completed") or 0,
    )


def broken_off(url: str, model: str) -> NodeProblem:
    """The end of a pull that stopped before the node had said that it succeeded."""
    return NodeProblem(f"{url} broke off the pull of {model}.", _GOES_ON)


def _trouble(url: str, model: str, report: str) -> Trouble:
    if any(words in report for words in _ABSENT):
        return f"The registry has no model {model}.", "Look up its name at ollama.com/library."
    if _DISK_FULL in report:
        return f"The disk of {url} is full.", f"Delete a model there, then pull {model} again."
    return f"{url} reports: {report}.", _GOES_ON
