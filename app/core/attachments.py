"""Text files that go with a prompt."""

from __future__ import annotations

from pathlib import Path

import aiofiles

from app.core.chat import Attachment
from app.text.problem import Problem
from app.text.units import bytes_text

LIMIT = 1 << 20
"""A longer file is for no prompt, in bytes."""


async def read_attachment(path: Path) -> Attachment:
    """The file at `path`, whole.

    Raises:
        Problem: it cannot be read, is too long, or is no text.
    """
    try:
        async with aiofiles.open(path, "rb") as file:
            content = await file.read(LIMIT + 1)
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}.", "Name a text file.") from None
    if len(content) > LIMIT:
        raise Problem(f"{path} is longer than {bytes_text(LIMIT)}.", "Attach the part that matters.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(f"{path} is no UTF-8 text: see byte {error.start}.", "Attach a text file.") from None
    if "\0" in text:
        raise Problem(f"{path} is no text: it has null bytes.", "Attach a text file.")
    return Attachment(path.name, text)
