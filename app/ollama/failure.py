"""Why a node does not answer, in words."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.ollama.documents import NoSuchDocument, decode
from app.ollama.fields import Json, part
from app.text.problem import Problem

if TYPE_CHECKING:
    import httpx

_LOG = logging.getLogger(__name__)

Trouble = tuple[str, str]
"""A sentence and a remedy."""

_CHECK_URL = "Check the URL."
_SEE_LOG = "See Ollama's log there."
_REMEDIES: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "Pull it there with 'ollama pull', or choose another model.",
    HTTPStatus.INTERNAL_SERVER_ERROR: _SEE_LOG,
    HTTPStatus.SERVICE_UNAVAILABLE: "Ask again later, or another node.",
}
_LONGEST_REPORT = 300


class NodeProblem(Problem):
    """A node that does not answer a question as Ollama does."""


class Disconnected(NodeProblem):
    """No connection to the node came about, or it broke."""


def unreachable(url: str, error: Exception) -> Trouble:
    """The trouble behind a connection that did not come about."""
    _LOG.info("%s: %r", url, error)
    causes = tuple(_causes(error))
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return f"Nothing listens at {url}.", _how_to_start(url)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"No address is known for the host of {url}.", "Check its name, or write its IP address."
    if tls := _tls_error(causes):
        return _unsafe(url, tls)
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return f"{url} does not answer.", "Check that the box is on, and that no firewall is in between."
    return f"{url} cannot be reached: {_system_reason(causes)}.", "Check the address and the network."


def broken(url: str, error: Exception) -> Trouble:
    """The trouble behind a connection that broke."""
    _LOG.info("%s: %r", url, error)
    if tls := _tls_error(tuple(_causes(error))):
        return _unsafe(url, tls)
    return f"{url} broke the connection.", _SEE_LOG


def silent(url: str) -> Trouble:
    """The trouble of a node that has let a deadline pass."""
    _LOG.info("%s: silent", url)
    return f"{url} has fallen silent.", f"It may be overloaded, or loading a model. {_SEE_LOG}"


def refusal(url: str, path: str, response: httpx.Response, body: bytes) -> Trouble:
    """The trouble behind a status other than 200; `body` came with it."""
    status = response.status_code
    _LOG.info("%s%s: status %d", url, path, status)
    if response.has_redirect_location:
        return f"{url} sends on to {_one_line(response.headers['location'])}.", "Use that URL."
    if status == HTTPStatus.UNAUTHORIZED:
        return f"{url} wants a token, and the right one.", "Give the token of this node."
    if status == HTTPStatus.FORBIDDEN and not body:
        return (
            f"{url} does not listen to who calls it by that name.",
            "Write its IP address, or start Ollama there with OLLAMA_HOST=0.0.0.0.",
        )
    try:
        report = reported_error(decode(body, dict[str, object]))
    except NoSuchDocument:
        report = ""
    if report:
        return f"{url} reports: {report}.", _REMEDIES.get(status, "")
    return f"{url} answers {path} with status {status}, as no Ollama does.", _CHECK_URL


def not_ollama(url: str, path: str) -> Trouble:
    """The trouble of a reply that is none of Ollama's."""
    return f"{url} is no Ollama: its reply to {path} is of another kind.", _CHECK_URL


def too_long(url: str, path: str) -> Trouble:
    """The trouble of a reply that does not end where Ollama's would."""
    return f"{url} replies to {path} with more than Ollama ever says.", _CHECK_URL


def reported_error(said: Json) -> str:
    """The error that a document reports, on one line, without a full stop; empty where it reports none."""
    error = said.get("error")
    report = part(said, "error").get("message", error)
    return _one_line(report if isinstance(report, str) else "an error without a reason") if error else ""


def _one_line(report: str) -> str:
    shown = " ".join("".join(c if c.isprintable() else " " for c in report).split())
    return shown[:_LONGEST_REPORT].rstrip(".")


def _how_to_start(url: str) -> str:
    if _is_loopback(urlsplit(url).hostname or ""):
        return "Start it with 'ollama serve', or check the URL."
    return "Start it there with 'OLLAMA_HOST=0.0.0.0 ollama serve': without that, only its own box is let in."


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _causes(one)
    if cause := error.__cause__ or error.__context__:
        yield from _causes(cause)


def _tls_error(causes: tuple[BaseException, ...]) -> ssl.SSLError | None:
    return next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)


def _unsafe(url: str, error: ssl.SSLError) -> Trouble:
    return f"No safe connection to {url} came about: {_tls_reason(error)}.", (
        "Write http:// where it has no certificate; name your own authority, if any, in SSL_CERT_FILE."
    )


def _tls_reason(error: ssl.SSLError) -> str:
    said = getattr(error, "verify_message", "") or error.reason or "no reason given"
    return _one_line(said.replace("_", " ").lower())


def _system_reason(causes: tuple[BaseException, ...]) -> str:
    numbers = (cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno)
    return next((os.strerror(number) for number in numbers), "no reason given")
