"""Plans as files: the same sentences on paper and in the calendar, in both languages, text that can be selected."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pypdfium2
import pytest
from icalendar import Calendar
from sqlalchemy.orm import Session
from tests.people import as_party

from anhuan import cards
from anhuan.kit import clock
from anhuan.kit.ids import new_id
from anhuan.planning import papers, service, sheet
from anhuan.planning.drawing import BASE, LEFT, RIGHT, TOP, timeline
from anhuan.planning.model import Account, Breakdown, Flow, Legs, Payment, Plan, Request, Status
from anhuan.planning.papers import Date, Paper, Part
from anhuan.planning.wording import Words

NOW = datetime(2026, 11, 22, 9, 20, tzinfo=clock.CHINA)


def small_paper(lang: str = "zh") -> Paper:
    part = Part("什么时候还什么", (1, 1), (1,), ("日期", "金额"), (("11月24日 周二", "¥12,860.50"),))
    return Paper(
        lang, "安还", "还款方案", "现在", "总费用 ¥2.86", ("已证明最省",), (), (part,), ("脚注 #let x",), "末尾"
    )


def text_of(pdf: bytes) -> str:
    paper = pypdfium2.PdfDocument(pdf)
    text = "".join(page.get_textpage().get_text_range() for page in paper)
    paper.close()
    return str(text)


def test_chinese_text_of_the_pdf_can_be_selected() -> None:
    text = text_of(papers.pdf(small_paper(), made_at=NOW))
    for wanted in ("还款方案", "总费用 ¥2.86", "11月24日 周二", "¥12,860.50"):
        assert wanted in text


def test_data_is_never_read_as_markup() -> None:
    assert "脚注 #let x" in text_of(papers.pdf(small_paper(), made_at=NOW))


def test_the_same_paper_at_the_same_moment_is_the_same_file() -> None:
    assert papers.pdf(small_paper(), made_at=NOW) == papers.pdf(small_paper(), made_at=NOW)


def test_without_the_font_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "FONT_PACKAGE", "no_such_package_of_fonts")
    with pytest.raises(papers.NoPdfFont, match="make setup"):
        papers.pdf(small_paper(), made_at=NOW)


def test_an_alarm_rings_before_the_last_safe_moment_and_not_on_the_due_day() -> None:
    safe = datetime(2026, 11, 25, 16, 0, tzinfo=clock.CHINA)
    made = papers.calendar([Date("a-1", date(2026, 11, 24), "还款", "说明", safe)], name="安还", now=NOW)
    alarms = [part for part in Calendar.from_ical(made).walk() if part.name == "VALARM"]
    rings = [cast(Any, part["trigger"]).dt for part in alarms]
    assert rings == [datetime(2026, 11, 24, 1, 0, tzinfo=UTC), safe.astimezone(UTC) - timedelta(hours=2)]


def test_a_later_export_replaces_the_earlier_one() -> None:
    def event(at: datetime) -> tuple[str, int]:
        made = papers.calendar([Date("a-1", date(2026, 11, 24), "还款", "", None)], name="", now=at)
        found = next(part for part in Calendar.from_ical(made).walk() if part.name == "VEVENT")
        return str(found["uid"]), int(str(found["sequence"]))

    first, later = event(NOW), event(NOW + timedelta(minutes=5))
    assert first[0] == later[0]
    assert first[1] < later[1]


def household(db: Session) -> service.ExplainedPlan:
    """Two bills, one to be paid in two parts, at a bank whose id nobody should read."""
    user = as_party(db, new_id())
    for bank, tail, due in (("cmb", "6214", date(2026, 12, 2)), ("icbc", "3096", date(2026, 12, 9))):
        facts = cards.BillFacts(
            bank=bank, currency="CNY", total_due=500_000, minimum_due=50_000, statement_on=date(2026, 11, 14),
            due_on=due, cards=(tail,), charges=(cards.Charge(date(2026, 11, 1), 500_000),), known_complete=True,
        )  # fmt: skip
        cards.record_bill(db, user, facts, now=NOW)
    account = cards.set_account(db, user, "ccb", "0099", label="工资卡")
    cards.record_balance(db, user, account.account_id, 600_000, balance_on=NOW.date())
    return service.plan_mine(db, user, as_of=NOW.date())


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_paper_and_calendar_call_cards_as_people_do(db: Session, lang: str) -> None:
    made = household(db)
    paper = sheet.paper_of(made, lang=lang, now=NOW)
    told = " ".join([*paper.notes, *(cell for part in paper.parts for row in part.rows for cell in row)])
    dates = sheet.dates_of(made, {}, lang=lang)
    assert ("CMB 6214" if lang == "en" else "招商银行 尾号 6214") in told
    assert "cmb" not in told + " ".join(one.summary for one in dates)
    assert paper.headline.endswith(f"{made.cost // 100:,}.{made.cost % 100:02d}")


def test_the_calendar_shows_amounts_only_when_asked(db: Session) -> None:
    made = household(db)
    plain, full = sheet.dates_of(made, {}, lang="zh"), sheet.dates_of(made, {}, lang="zh", amounts=True)
    assert all("¥" not in one.summary + one.description for one in plain)
    assert all("¥" in one.summary for one in full)
    assert [one.key for one in plain] == [one.key for one in full]
    assert len({one.key for one in plain}) == len(plain)


def test_a_sentence_said_twice_is_printed_once() -> None:
    twice = [Words("calendar", {"version": "1"}), Words("calendar", {"version": "1"})]
    assert len(sheet.said(twice, "zh")) == 1


def test_the_timeline_falls_with_each_payment_and_marks_the_lowest_day() -> None:
    first = date(2026, 11, 22).toordinal()
    request = Request(
        first, first + 30, 180, 0, (Account("a", 100_000, 20_000),), (), flows=(Flow("a", first + 10, 50_000),)
    )
    paid = (Payment(first + 5, "a", "way", "card", 70_000, fee=100),)
    plan = Plan(Status.OPTIMAL, Legs(paid), Breakdown(), 0)
    drawn = timeline(request, plan)
    assert [row.balance for row in drawn.rows] == [29_900, 79_900]
    assert (drawn.lowest.on, drawn.lowest.amount) == (date(2026, 11, 27), 29_900)
    assert drawn.reserve_y is not None
    assert TOP <= drawn.reserve_y <= BASE
    assert all(LEFT <= bar.x <= RIGHT and bar.y + bar.height == BASE for bar in (*drawn.payments, *drawn.incomes))
