"""What it costs to draw an answer that is one growing block of code: the drawing alone, without a terminal.

`python -m tests.benchmarks.streaming` prints the figures.
"""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.style import Style

from app.core.chat import Turn
from app.ui.widgets.turn_drawing import PARTS, Shown, TurnDrawing, TurnLook

TOKENS_PER_S = 1_500
DRAWS_PER_S = 10
SIGNS_PER_TOKEN = 4
FUNCTIONS = 1_500


def measure() -> dict[str, float]:
    """Milliseconds for a draw, and tokens drawn per second, for a fence of 3,000 lines."""
    code = "".join(f"def f{n}(x: int) -> int:\n    return x + {n}  # note\n" for n in range(FUNCTIONS))
    source = f"Here it is.\n\n```python\n{code}"
    turn = Turn("Write it.", "m")
    drawing = TurnDrawing(Console(width=100), TurnLook(dict.fromkeys(PARTS, Style()), dark=True), 80)
    step, times = SIGNS_PER_TOKEN * TOKENS_PER_S // DRAWS_PER_S, list[float]()
    for start in range(0, len(source), step):
        turn.answer.append(source[start : start + step])
        began = time.perf_counter()
        drawing.draw(Shown(turn))
        times.append(time.perf_counter() - began)
    times.sort()
    return {
        "stream: draw of a growing fence, median, ms": times[len(times) // 2] * 1000,
        "stream: draw of a growing fence, 99th percentile, ms": times[int(0.99 * len(times))] * 1000,
        "stream: tokens drawn per second": len(source) / SIGNS_PER_TOKEN / sum(times),
    }


if __name__ == "__main__":
    for name, figure in measure().items():
        sys.stdout.write(f"{name:<55}{figure:>14,.1f}\n")
