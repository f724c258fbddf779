"""What goes with the prompt that is being written."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.chat import Attachment
from app.text.units import bytes_text


@dataclass(slots=True)
class Draft:
    """The files of the next prompt, and the turn that it is to take the place of."""

    attached: list[Attachment] = field(default_factory=list)
    editing: int | None = None
    """The place of the turn whose prompt is being changed."""
    put_by: str = ""
    """What was in the prompt before that one."""

    @property
    def standing(self) -> str:
        """What is to become of the prompt, where that is not what always does."""
        said = []
        if self.editing is not None:
            said.append("editing: enter asks this in place of the old prompt, esc leaves that as it is")
        if self.attached:
            files = (f"{file.name} ({bytes_text(len(file.text.encode()))})" for file in self.attached)
            said.append(f"with {', '.join(files)}")
        return "; ".join(said)
