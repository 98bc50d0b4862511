"""Households for browser tests, made through the acts that a person uses. Everybody is invented."""

from datetime import date, datetime
from pathlib import Path

from sqlalchemy.orm import Session
from tests.people import as_party

from anhuan import cards
from anhuan.cli import demo, demo_mail
from anhuan.kit import clock
from anhuan.kit.ids import LOCAL_USER
from anhuan.planning import service as planning

TWENTY_BANKS = ("cmb", "icbc", "ccb", "boc", "bocom", "citic", "spdb", "ceb", "cmbc", "pab", "cgb", "cib", "psbc")


def demo_household(db: Session, now: datetime) -> None:
    """The household that `make run` opens with."""
    as_party(db, LOCAL_USER)
    demo.fill(db, LOCAL_USER, now=now)


def mails(folder: Path, now: datetime) -> list[Path]:
    """The newest bill mail of every account of the demo household, as files."""
    found = []
    for account in demo_mail.ACCOUNTS:
        newest = list(demo_mail.bills_until(account, now.astimezone(clock.CHINA).date()))[-1]
        path = folder / f"{account.bank}.eml"
        path.write_bytes(demo_mail.mail(newest))
        found.append(path)
    return found


def poor_household(db: Session, now: datetime) -> None:
    """One bill of 5,000.00 with a minimum of 500.00 due in ten days, and 100.00 to pay it from."""
    as_party(db, LOCAL_USER)
    facts = cards.BillFacts(
        bank="icbc", currency="CNY", total_due=500_000, minimum_due=50_000, statement_on=date(2026, 11, 10),
        due_on=date(2026, 12, 2), cards=("3096",), charges=(cards.Charge(date(2026, 10, 20), 500_000),),
        known_complete=True,
    )  # fmt: skip
    cards.record_bill(db, LOCAL_USER, facts, now=now)
    account = cards.set_account(db, LOCAL_USER, "ccb", "0099", label="工资卡")
    cards.record_balance(db, LOCAL_USER, account.account_id, 10_000, balance_on=date(2026, 11, 22))


def sixty_bills(db: Session, now: datetime) -> None:
    """Sixty cards at thirteen banks, one bill each, some settled, one overdue, one without a due day known."""
    as_party(db, LOCAL_USER)
    for n in range(60):
        total = 100_000 + 12_345 * n
        facts = cards.BillFacts(
            bank=TWENTY_BANKS[n % len(TWENTY_BANKS)], currency="CNY", total_due=total, minimum_due=total // 10,
            statement_on=date(2026, 10, 28), due_on=date(2026, 11, 20 if n == 0 else 22 + n % 8) if n % 9 else
            date(2026, 12, 15), cards=(f"{1000 + n}",),
        )  # fmt: skip
        done = cards.record_bill(db, LOCAL_USER, facts, now=now)
        if n % 10 == 5:
            cards.record_payment(db, LOCAL_USER, done.bill_id, total, date(2026, 11, 10), now=now)


def with_money(db: Session) -> None:
    """An account, a salary and a rent."""
    as_party(db, LOCAL_USER)
    account = cards.set_account(db, LOCAL_USER, "ccb", "0099", label="工资卡", reserve=100_000)
    cards.record_balance(db, LOCAL_USER, account.account_id, 3_000_000, balance_on=date(2026, 11, 22))
    planning.set_flow(db, LOCAL_USER, account.account_id, 1_600_000, label="工资", day_of_month=5)
