"""How long arrivals take: from few one is careful, what is under way counts as slow, holidays are kept apart."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session
from tests.channels.bank import NAME
from tests.channels.conftest import NOW, TODAY, World
from tests.channels.test_evidence import given as proved

from anhuan.channels import arrival_rules, arrivals, breaker, store_house
from anhuan.channels.arrival_rules import Careful, Learned, Season, Unit, Wait
from anhuan.channels.evidence import Proof
from anhuan.channels.evidence_rules import Kind
from anhuan.kit import calendar, clock, terms, wall
from anhuan.kit import db as database

pytestmark = pytest.mark.scope("S3-15")
CAREFUL = Careful(Decimal("0.99"), Decimal("0.95"), 5, 2)


def learned(arrived: list[int], under_way: list[int] | None = None, otherwise: int = 60) -> Learned:
    waits = [Wait(length, True) for length in arrived] + [Wait(length, False) for length in under_way or []]
    found = arrival_rules.learn(waits, unit=Unit.MINUTES, careful=CAREFUL, otherwise=otherwise)
    assert found is not None
    return found


def test_299_arrivals_are_needed_for_the_99th_percent_with_95_percent_confidence() -> None:
    assert arrival_rules.needed(CAREFUL.share, CAREFUL.confidence) == 299
    assert arrival_rules.rank_above(299, CAREFUL.share, CAREFUL.confidence) == 299
    assert arrival_rules.rank_above(1000, CAREFUL.share, CAREFUL.confidence) == 996
    assert Decimal("0.99") ** 299 < Decimal("0.05") < Decimal("0.99") ** 298


@pytest.mark.parametrize(("arrived", "under_way", "otherwise", "p99"), [
    ([5, 6, 7], [], 60, 60),  # few: the stated class of the channel
    ([5, 6, 90], [], 60, 90),  # or the largest seen, where that is more
    ([5, 6, 7], [200], 60, 200),  # one under way is as slow as it is already, at least
    ([5] * 298, [], 60, 60),  # one short of enough
    ([5] * 299, [], 60, 5),
    ([5] * 298 + [50], [], 60, 50),  # of exactly enough, the largest
])  # fmt: skip
def test_the_slow_end_of_arrivals(arrived: list[int], under_way: list[int], otherwise: int, p99: int) -> None:
    found = learned(arrived, under_way, otherwise)
    assert (found.p99, found.trusted) == (p99, len(arrived) >= 299)


def test_leaving_out_what_is_under_way_would_make_a_slow_channel_look_fast() -> None:
    fast, honest = learned([5] * 400), learned([5] * 400, [1000] * 40)
    assert fast.p99 == 5
    assert honest.p99 == 1000  # a tenth is late: nobody may say that 99 of 100 arrive in five minutes


def test_what_was_sent_a_minute_ago_says_nothing_about_the_slow_end() -> None:
    assert learned([5] * 400, [1] * 40).p99 == 5


def test_nothing_arrived_teaches_nothing() -> None:
    assert arrival_rules.learn([Wait(9, False)], unit=Unit.MINUTES, careful=CAREFUL, otherwise=60) is None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 5000), min_size=1, max_size=320), st.lists(st.integers(0, 5000), max_size=20))
def test_more_under_way_never_makes_it_faster(arrived: list[int], under_way: list[int]) -> None:
    without, with_ = learned(arrived), learned(arrived, under_way)
    assert with_.p99 >= without.p99
    assert with_.p50 >= without.p50
    assert with_.p99 >= with_.p50


@pytest.mark.parametrize(("lengths", "shifted"), [
    ([10] * 20 + [50] * 5, True),
    ([10] * 20 + [50] * 4, False),
    ([10] * 20 + [50] * 4 + [10], False),
    ([50] * 6, False),  # too few to know what is usual
])  # fmt: skip
def test_a_sudden_shift_is_seen_at_once(lengths: list[int], shifted: bool) -> None:
    assert learned(lengths).shifted is shifted


DAYS = calendar.current()


def at(day: str, hour: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(hour), clock.CHINA)


@pytest.mark.parametrize(("sent", "posted", "cut_off", "workdays"), [
    (at("2026-11-20", "10:00"), "2026-11-20", "16:00", 0),  # Friday, the same day
    (at("2026-11-20", "10:00"), "2026-11-23", "16:00", 1),  # over the weekend: one workday
    (at("2026-11-20", "17:00"), "2026-11-24", "16:00", 1),  # after the cut-off it counts for Monday
    (at("2026-11-21", "10:00"), "2026-11-24", "16:00", 1),  # Saturday counts for Monday
    (at("2026-02-13", "10:00"), "2026-02-25", "16:00", 3),  # the Spring Festival: 14 is worked, 24 is the next
])  # fmt: skip
def test_a_workday_channel_is_counted_in_workdays(sent: datetime, posted: str, cut_off: str, workdays: int) -> None:
    wait = arrival_rules.wait_of(
        sent, posted_at=None, posted_on=date.fromisoformat(posted), now=NOW, unit=Unit.WORKDAYS,
        cut_off=time.fromisoformat(cut_off), calendar=DAYS,
    )  # fmt: skip
    assert wait == Wait(workdays, True)


def test_a_known_day_counts_to_its_end_and_a_known_moment_to_itself() -> None:
    sent = at("2026-11-20", "22:00")
    how = {"now": NOW, "unit": Unit.MINUTES, "cut_off": None, "calendar": DAYS}
    day = arrival_rules.wait_of(sent, posted_at=None, posted_on=date(2026, 11, 20), **how)  # type: ignore[arg-type]
    moment = arrival_rules.wait_of(sent, posted_at=sent + timedelta(minutes=3), posted_on=date(2026, 11, 20), **how)  # type: ignore[arg-type]
    assert (day.length, moment.length) == (120, 3)


@pytest.mark.parametrize(("sent", "posted", "season"), [
    ("2026-11-20", "2026-11-23", Season.USUAL),  # a weekend is no break
    ("2026-02-12", "2026-02-13", Season.USUAL),
    ("2026-02-13", "2026-02-25", Season.BREAK),
    ("2026-02-20", "2026-02-20", Season.BREAK),
    ("2026-09-30", "2026-10-09", Season.BREAK),
])  # fmt: skip
def test_holidays_are_kept_apart(sent: str, posted: str, season: Season) -> None:
    first, last = date.fromisoformat(sent), date.fromisoformat(posted)
    assert arrival_rules.season_of(first, last, DAYS, break_days=3) is season


def test_what_was_learned_takes_the_place_of_what_was_assumed() -> None:
    bank = terms.channel("bank_transfer", on=TODAY)
    large = terms.channel("large_value", on=TODAY)
    minutes = Learned(Unit.MINUTES, 400, 0, 3, 17, 30, True)
    days = Learned(Unit.WORKDAYS, 20, 0, 1, 2, 2, False)
    assert arrival_rules.applied(bank, minutes).arrival_minutes == 17
    assert arrival_rules.applied(large, days).lead_days == 2
    assert arrival_rules.applied(bank, None) is bank


def test_it_is_learned_from_what_was_sent_and_what_the_banks_data_show(world: World) -> None:
    for part, minutes in ((1, 30), (2, 90), (3, 0)):
        made = world.prepare(part=part)
        world.deliver(made)
        if minutes:
            posted = NOW + timedelta(minutes=minutes)
            proved(world, made, Proof(Kind.STATEMENT, f"line {part}", TODAY, posted, made.amount))
    tomorrow = NOW + timedelta(days=1)
    found = computed(tomorrow)
    assert [(one.channel, one.bank, one.learned.n, one.learned.under_way) for one in found] == [(NAME, "cmb", 2, 1)]
    # The third is not on the statement that shows the others, which ends fourteen hours after it was sent.
    assert (found[0].learned.p50, found[0].learned.p99) == (90, 14 * 60)
    assert not found[0].learned.trusted


def computed(now: datetime, bank: str = "cmb") -> list[arrivals.Known]:
    with database.sessions("work").begin() as db:
        wall.everybody(db)
        arrivals.compute(db, now=now)
        arrivals.compute(db, now=now)  # twice on one day is once
        return [one for one in arrivals.all_known(db, on=now.date()) if one.bank == bank and one.channel == NAME]


def test_what_nobody_looked_for_is_not_slow(world: World) -> None:
    made = world.prepare(bank="icbc")
    world.deliver(made)
    proved(world, made, Proof(Kind.STATEMENT, "line", TODAY, NOW + timedelta(minutes=4), made.amount))
    later = world.prepare(part=2, bank="icbc", card_ref="a card without statements")
    world.deliver(later)
    assert [(one.learned.n, one.learned.under_way) for one in computed(NOW + timedelta(days=300), "icbc")] == [(1, 0)]


def test_a_shift_opens_the_breaker(clean: object) -> None:
    with database.sessions("work").begin() as db:
        breaker.trip(db, NAME, why=arrivals.SHIFTED, until=NOW + timedelta(days=1), now=NOW)
        assert breaker.open_until(db, NAME, NOW) == NOW + timedelta(days=1)
        assert breaker.open_until(db, NAME, NOW + timedelta(days=1)) is None


def test_a_row_of_a_day_is_answered_from_that_day_on(db: Session) -> None:
    row = {"channel": "bank_transfer", "bank": "cmb", "funding_kind": "own_debit", "season": "usual", "unit": "minutes",
           "n": 400, "under_way": 0, "p50": 3, "p99": 17, "maximum": 30, "trusted": True, "shifted": False}  # fmt: skip
    with database.sessions("work").begin() as worker:
        store_house.keep_arrival(worker, row | {"computed_on": TODAY})
        assert arrivals.learned(worker, "bank_transfer", "cmb", on=TODAY - timedelta(days=1)) is None
        known = arrivals.learned(worker, "bank_transfer", "cmb", on=TODAY)
        assert known is not None
        assert (known.computed_on, known.learned.p99) == (TODAY, 17)
        channel = terms.channel("bank_transfer", on=TODAY)
        assert arrivals.with_learned(worker, channel, "cmb", on=TODAY, due_on=TODAY).arrival_minutes == 17
        festival = date(2026, 2, 20)
        assert arrivals.season_between(festival, festival) is Season.BREAK
        worker.rollback()


def test_times_are_of_the_banks_zone_whatever_the_servers_is() -> None:
    sent = datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC)  # 23:59:59 in China
    how = {"posted_at": None, "posted_on": date(2026, 11, 23), "now": NOW, "unit": Unit.WORKDAYS, "cut_off": None}
    before = arrival_rules.wait_of(sent, calendar=DAYS, **how)  # type: ignore[arg-type]
    after = arrival_rules.wait_of(sent + timedelta(seconds=1), calendar=DAYS, **how)  # type: ignore[arg-type]
    assert (before.length, after.length) == (1, 0)
    assert replace(before, length=0) == after
