"""The README beside, which keeps the last figures of every benchmark."""

from __future__ import annotations

import sys
from pathlib import Path

README = Path(__file__).with_name("README.md")


def keep(name: str, text: str) -> None:
    """Put the text between the marks of this name, in place of what was there; and print it."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = README.read_text().partition(begin)
    _, _, after = rest.partition(end)
    README.write_text(f"{before}{begin}\n{text}\n{end}{after}")
    sys.stdout.write(f"{text}\n")
