"""How fast the tokens of a real llama-server are on the screen, against a bare client of the same server.

`python -m tests.benchmarks.rate` prints the figures.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

from app.demo.model import Shape, write_model
from tests.benchmarks.pace import Timed
from tests.support.engine import find_engine

ROUNDS = 5
CONTEXT = 8192
"""The model never stops by itself: this is where its answers end."""
SHAPE = Shape()
PROMPT = "a worker"
_ENDED = b"limit of its context"
_NEW = b"\x0e"


def measure() -> dict[str, float]:
    """Tokens per second at the bare client and on the screen, round by round, and their ratio."""
    bare, shown = list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = _furnish(home)
        with Timed((sys.executable, "-m", "app"), environment, Path.cwd()) as console:
            console.first_paint()
            _ask_on_screen(console)
            for _ in range(ROUNDS):
                tokens, seconds = _ask_barely(home)
                bare.append(tokens / seconds)
                shown.append(tokens / _ask_on_screen(console))
    return {
        "rate: tokens per second, bare client": statistics.median(bare),
        "rate: tokens per second, on the screen": statistics.median(shown),
        "rate: on the screen of the bare rate, %": 100
        * statistics.median(there / here for here, there in zip(bare, shown, strict=True)),
    }


def _furnish(home: Path) -> dict[str, str]:
    """A home with the engine and a model that answers until its context is full."""
    engine = asyncio.run(find_engine())
    (home / "models").mkdir()
    write_model(home / "models" / "endless.gguf", SHAPE, ends=False)
    config = home / ".config" / "synaptic-tui" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(
        "nodes: []\nnetworks: [127.0.0.1]\nmodel: endless\n"
        f"engine: {{server: {engine.server}, rpc_server: {engine.rpc_server}}}\n"
        f"models: {{folders: [{home / 'models'}]}}\n"
        f"coordinator: {{on_quit: stop, context: {CONTEXT}, threads: 1}}\n"
    )
    state = home / ".local" / "state" / "synaptic-tui" / "state.yaml"
    state.parent.mkdir(parents=True)
    state.write_text("welcome_skipped: true\n")
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {"LANG": "C.UTF-8", **kept, "HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def _ask_on_screen(console: Timed) -> float:
    """Seconds from the last key of a prompt until the end of its answer is drawn."""
    console.send(_NEW)
    console.rest(1.0)
    console.send(PROMPT.encode())
    console.rest(0.5)
    began = console.now
    console.send(b"\r")
    console.read_until(_ENDED, within_s=120)
    return console.now - began


def _ask_barely(home: Path) -> tuple[int, float]:
    """Ask the console's own llama-server; the tokens of the answer, and the seconds that it took."""
    (record,) = (home / ".local" / "state" / "synaptic-tui" / "coordinators").glob("*.json")
    told = json.loads(record.read_bytes())
    headers = {"Authorization": f"Bearer {told['key']}"}
    asked = {"messages": [{"role": "user", "content": PROMPT}], "stream": True, "timings_per_token": True}
    tokens, began = 0, time.perf_counter()
    url = f"http://127.0.0.1:{told['port']}/v1/chat/completions"
    with httpx.stream("POST", url, headers=headers, json=asked, timeout=60) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if line.startswith("data: {"):
                tokens = json.loads(line[6:]).get("timings", {}).get("predicted_n", tokens)
    return tokens, time.perf_counter() - began


if __name__ == "__main__":
    for name, figure in measure().items():
        sys.stdout.write(f"{name:<55}{figure:>14,.1f}\n")
