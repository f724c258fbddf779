"""What a console has in memory: nothing large before something needs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from app.config import folders
from tests.support.rpc_fakes import closed_port
from tests.support.terminal import Terminal

LISTING = """
import atexit, sys
from pathlib import Path
list_to = Path(sys.argv.pop())
atexit.register(lambda: list_to.write_text("\\n".join(sys.modules)))
from app.cli import main
main()
"""

OF_HTTP = {"httpx", "httpcore", "anyio", "h11", "http.client", "urllib.request", "app.ollama.wire"}
OF_ANSWERS = {"markdown_it", "rich.markdown", "rich.syntax", "pygments"}
OF_FAULTS = {"importlib.metadata", "email"}
OF_LARGE_LOGS = {"ctypes"}
OF_INSTALLING = {"app.llama.install", "zipfile", "tarfile", "importlib.resources"}
OF_NOBODY = {"multiprocessing", "xml", "unittest", "app.demo"}
UNNEEDED = OF_HTTP | OF_ANSWERS | OF_FAULTS | OF_LARGE_LOGS | OF_INSTALLING | OF_NOBODY


def imported_by_a_console(environment: Mapping[str, str], folder: Path, shown: str) -> set[str]:
    """The modules in memory when a console is left that has shown that text."""
    listing = folder / "modules"
    command = (sys.executable, "-c", LISTING, str(listing))
    with Terminal(command, environment, 120, 36) as terminal:
        terminal.wait_for(shown)
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
    return set(listing.read_text().split())


def test_an_idle_console_has_nothing_that_nobody_needs(lonely: Mapping[str, str], tmp_path: Path) -> None:
    imported = imported_by_a_console(lonely, tmp_path, "No model is chosen yet.")
    assert "app.ui.screens.main" in imported
    assert imported & UNNEEDED == set()


def test_what_is_down_needs_no_more(lonely: Mapping[str, str], tmp_path: Path) -> None:
    folders.config_file().write_text(
        f"nodes: [http://{closed_port()}]\nbackends: [{closed_port()}]\nnetworks: [127.0.0.1]\n"
    )
    imported = imported_by_a_console(lonely, tmp_path, "down")
    assert imported & UNNEEDED == set()


def test_a_node_that_listens_needs_an_http_client(lonely: Mapping[str, str], tmp_path: Path) -> None:
    with serving(HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)) as port:
        folders.config_file().write_text(
            f"nodes: [http://127.0.0.1:{port}]\nnetworks: [127.0.0.1]\nollama: {{reply_timeout_s: 60}}\n"
        )
        imported = imported_by_a_console(lonely, tmp_path, "down")
    assert {"httpx", "app.ollama.wire"} <= imported, "else the other tests could not fail"


@contextmanager
def serving(no_ollama: HTTPServer) -> Iterator[int]:
    """Its port, while it refuses whatever is asked."""
    with no_ollama:
        thread = Thread(target=no_ollama.serve_forever, name="no Ollama")
        thread.start()
        try:
            yield no_ollama.server_port
        finally:
            no_ollama.shutdown()
            thread.join()
