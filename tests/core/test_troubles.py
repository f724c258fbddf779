"""What is told of one backend as a trouble, and what is not."""

from __future__ import annotations

from dataclasses import replace

from app.core.events import Incident, LifecycleLine, Severity
from app.core.troubles import troubles_of
from app.llama.failure import Failure
from app.text.address import Address
from tests.support.console import NOON

HERS = Address("127.0.0.1", 5005)
LONGER = Address("127.0.0.1", 50052)
OF_HER = LifecycleLine(NOON, str(HERS), "refused", Severity.WARNING)
NAMING_HER = LifecycleLine(NOON, "coordinator", f"{HERS} was chosen but received nothing", Severity.ERROR)
SUSPECTING_HER = Incident(NOON, "coordinator", "ended", Severity.ERROR, failure=Failure("", suspect=HERS))


def test_what_is_of_it_names_it_or_suspects_it_is_about_it() -> None:
    told = (OF_HER, NAMING_HER, SUSPECTING_HER)
    assert troubles_of(HERS, told) == told


def test_good_news_and_those_of_others_are_left_out() -> None:
    told = (
        replace(OF_HER, severity=Severity.GOOD),
        replace(OF_HER, source=str(LONGER)),
        replace(NAMING_HER, text=f"{LONGER} and 4{HERS} received nothing"),
        replace(SUSPECTING_HER, failure=Failure("", suspect=LONGER)),
    )
    assert troubles_of(HERS, told) == ()
