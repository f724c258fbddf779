"""The lines of a plan, with a cursor that stays with its backend."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.ui.plan_lines import PlanLine


class PlanList(OptionList):
    """Shown again and again: where the same lines say something else, nothing moves."""

    def __init__(self) -> None:
        super().__init__(markup=False, compact=True)
        self.can_focus = False  # enter is for the plan, not for a line of it
        self._shown: Sequence[PlanLine] = ()

    @property
    def selected(self) -> PlanLine | None:
        """The line under the cursor."""
        return self._shown[self.highlighted] if self.highlighted is not None else None

    def show(self, lines: Sequence[PlanLine]) -> None:
        """Show these lines."""
        before, self._shown, place = self._shown, lines, self._place_in(lines)
        if [line.key for line in before] != [line.key for line in lines]:
            self.set_options(Option(line.text, disabled=line.is_heading) for line in lines)
            self.highlighted = place
            return
        for at, (old, new) in enumerate(zip(before, lines, strict=True)):
            if not new.text.is_same(old.text):
                self.replace_option_prompt_at_index(at, new.text)

    def _place_in(self, lines: Sequence[PlanLine]) -> int:
        """Where the cursor goes among other lines: with its backend, else to the start."""
        backend = self.selected.backend if self.selected is not None else None
        places = (at for at, line in enumerate(lines) if backend is not None and line.backend == backend)
        return next(places, 0)
