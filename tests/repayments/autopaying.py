"""What tests of autopay share: a person who proves it, a mandate of the household, the jobs by hand."""

from datetime import date
from typing import Any

from sqlalchemy.orm import Session
from tests.channels.bank import NAME
from tests.repayments.conftest import Home

from anhuan import repayments
from anhuan.identity import sessions, stepup
from anhuan.identity.stepup import Answer
from anhuan.kit.actors import Actor, Strength
from anhuan.repayments import journey_autopay, mandates
from anhuan.repayments.mandate_model import Mandate, Run, Wish


def me(home: Home, db: Session) -> Actor:
    """The person at a browser of the demonstration, where a tap is the proof."""
    token = sessions.open_session(db, home.party, strength=Strength.DEMO, now=home.clock(), device="a test")
    return sessions.admit(db, token, now=home.clock())


def wish_of(home: Home, **changes: Any) -> Wish:
    """The household's usual wish: its bill in full by the little bank, at most 5,000.00."""
    return Wish(home.account_id, home.source_id, **{"cap": 500_000, "channel": NAME, **changes})


def given(home: Home, **changes: Any) -> Mandate:
    """A mandate, given as a page does: shown, confirmed, kept."""
    wish = wish_of(home, **changes)
    with home.rows() as db:
        who = me(home, db)
        act = mandates.act_of(db, home.party, wish, now=home.clock())
        asked = stepup.begin(db, who, act, shown="x", now=home.clock())
        return mandates.give(db, who, wish, answer=Answer(asked.id), now=home.clock())


def run_of(home: Home, mandate: Mandate) -> Run:
    """The latest run of a mandate."""
    with home.rows() as db:
        return mandates.runs_of(db, home.party, mandate.id)[0]


def work(home: Home) -> int:
    """What the worker does in a minute: new bills, new days, due runs; tells how many orders it made for this home."""
    now, before = home.clock(), orders(home)
    journey_autopay.take_up_bills(since=None, now=now)
    journey_autopay.take_up_days(now=now)
    busy = set[int]()
    while (done := journey_autopay.round_of_one(now=home.clock, busy=busy)).lane is not None:
        if not done.taken:
            busy.add(done.lane)
    return orders(home) - before


def orders(home: Home) -> int:
    """How many orders there are of this home."""
    with home.rows() as db:
        return len(repayments.orders(db, home.party))


def until(home: Home, day: date, hour: int = 9) -> None:
    """Let the clock go on to an hour of a day in China."""
    home.clock.now = home.clock.now.replace(
        year=day.year, month=day.month, day=day.day, hour=hour - 8, minute=0, second=0
    )
