"""What must never be written down: keys and passwords, masked in whatever goes into a file for others."""

from __future__ import annotations

import re
from collections.abc import Mapping

MASK = "****"
LEAST = 6
"""A shorter word is no secret that could be told from any other word."""

_KNOWN: set[str] = set()
_NAMES = r"(?:api[-_]?key|hft|token|secret|password|passwd)"
_OF_URL = re.compile(r"(?<=://)[^\s/@]+(?=@)")
_IN_QUERY = re.compile(rf"([?&][\w-]*{_NAMES}=)[^\s&#]+", re.IGNORECASE)
_AFTER_OPTION = re.compile(rf"(--?[\w-]*{_NAMES}['\"]?(?:=|,?\s+)['\"]?)[^\s'\",]+", re.IGNORECASE)
_ASSIGNED = re.compile(rf"(\b\w*{_NAMES}['\"]?\s*[=:]\s*['\"]?)[^\s'\",]+", re.IGNORECASE)
_BEARER = re.compile(r"(\bBearer\s+)\S+", re.IGNORECASE)
_VARIABLE = re.compile(r"key|token|secret|password", re.IGNORECASE)


def keep_secret(word: str) -> None:
    """From now on `word` is masked wherever it stands."""
    if len(word) >= LEAST:
        _KNOWN.add(word)


def keep_environment_secret(environment: Mapping[str, str]) -> None:
    """From now on what the variables hold that are named like secrets is masked."""
    for name, value in environment.items():
        if _VARIABLE.search(name):
            keep_secret(value)


def masked(text: str) -> str:
    """`text` without the secrets that are known, and without what looks like one by where it stands."""
    for word in sorted(_KNOWN, key=len, reverse=True):
        text = text.replace(word, MASK)
    text = _OF_URL.sub(MASK, text)
    for pattern in (_IN_QUERY, _AFTER_OPTION, _BEARER, _ASSIGNED):
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text
