"""Text from outside, made harmless for a terminal."""

from __future__ import annotations

_REPLACEMENT = "\ufffd"
_UNSAFE = dict.fromkeys(
    {*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)},
    _REPLACEMENT,
)
_UNSAFE_BUT_NEWLINE = {code: sign for code, sign in _UNSAFE.items() if code != ord("\n")}


def plain_line(text: str) -> str:
    """`text` on one line, without what could move the cursor or turn the direction of writing."""
    return text.expandtabs(4).translate(_UNSAFE)


def plain_text(text: str) -> str:
    """As `plain_line`, with its line ends kept."""
    return text.replace("\r\n", "\n").expandtabs(4).translate(_UNSAFE_BUT_NEWLINE)
