"""The store of dated numbers: asked with a day, answered by the nearest layer, silent about nothing."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from anhuan.kit import terms
from anhuan.kit.money import from_text
from anhuan.kit.terms import FeeSchedule, NoSuchTerm, Term, Terms

DAY = date(2026, 11, 21)


def term(
    scope: str, key: str, value: object, valid_from: date = date(2020, 1, 1), valid_to: date | None = None
) -> Term:
    return Term(scope, key, value, "share", valid_from, valid_to, "H", "user", "a contract", valid_from)


def test_the_nearest_layer_answers_and_says_which_it_was() -> None:
    scopes = terms.layers(contract="c", bank="icbc")
    assumed = terms.ask("interest_basis", on=DAY, scopes=scopes)
    assert (assumed.value, assumed.layer, assumed.assumed) == ("unpaid", "bank", True)
    own = (
        terms.seeds().over([term("contract:c", "interest_basis", "full")]).ask("interest_basis", on=DAY, scopes=scopes)
    )
    assert (own.value, own.layer, own.assumed) == ("full", "contract", False)


def test_an_unknown_number_is_refused_by_name() -> None:
    with pytest.raises(NoSuchTerm) as why:
        terms.ask("price_of_tea", on=DAY)
    assert why.value.field == "price_of_tea"


def test_a_number_holds_from_its_first_day_up_to_its_last_one_excluded() -> None:
    changed = Terms(
        [term("typical", "x", 1, date(2026, 1, 1), date(2026, 7, 1)), term("typical", "x", 2, date(2026, 7, 1))]
    )
    days = (date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1))
    assert [changed.ask("x", on=day, scopes=["typical"]).value for day in days] == [1, 1, 2]
    assert changed.find("x", on=date(2025, 12, 31), scopes=["typical"]) is None


def test_the_word_for_a_late_fee_changed_in_2017() -> None:
    words = [terms.ask("late_fee_word", on=day).value for day in (date(2016, 12, 31), date(2017, 1, 1))]
    assert words == ["滞纳金", "违约金"]


def test_rates_are_exact() -> None:
    assert terms.ask("daily_rate", on=DAY).rate == Decimal("0.0005")


def test_a_courtesy_is_offered_but_never_relied_on_by_itself() -> None:
    assert terms.ask("courtesy_grace_days", on=DAY).value == 3
    assert terms.ask("grace_days", on=DAY).value == 0


def test_every_seed_says_where_it_comes_from_and_how_sure_it_is() -> None:
    for row in terms.seeds().rows():
        assert row.source, row
        assert row.confidence in {"H", "M", "L"}, row
        assert row.basis in {"read", "computed", "unchecked", "house"}, row
        assert row.checked_on >= date(2026, 11, 1), row
        assert row.valid_to is None or row.valid_from < row.valid_to, row


def test_no_two_seeds_hold_one_key_on_one_day() -> None:
    rows = sorted(terms.seeds().rows(), key=lambda row: (row.scope, row.key, row.valid_from))
    for row, after in pairwise(rows):
        if (row.scope, row.key) == (after.scope, after.key):
            assert row.valid_to is not None, row
            assert row.valid_to <= after.valid_from, row


@pytest.mark.parametrize(
    ("bank", "days"),
    [
        ("cmb", 18),
        ("citic", 19),
        ("ceb", 19),
        ("pab", 19),
        ("boc", 20),
        ("hxb", 20),
        ("icbc", 25),
        ("abc", 25),
        ("psbc", 20),
    ],
)
def test_banks_have_their_usual_days_to_the_due_day(bank: str, days: int) -> None:
    assert terms.ask("due_offset_days", on=DAY, scopes=terms.layers(bank=bank)).value == days


def test_banks_are_called_by_name_in_both_languages() -> None:
    assert terms.bank("cmb").name() == "招商银行"
    assert terms.bank("cmb").name("en") == "China Merchants Bank"
    assert terms.bank("nobody").name() == "nobody"


@pytest.mark.scope("S3-12", "S3-11")
def test_a_channel_says_its_price_and_limits_for_a_day() -> None:
    wechat = terms.channel("wechat", on=DAY)
    assert (wechat.fee.free_quota, wechat.fee.rate, wechat.fee.floor) == (500000, Decimal("0.001"), 10)
    assert (wechat.per_payment_max, wechat.confidence) == (5000000, "L")
    assert terms.channel("unionpay_app", on=DAY).payments_per_month == 5
    assert terms.channel("large_value", on=DAY).workdays_only


@pytest.mark.parametrize(
    ("amount", "floor", "rounding", "fee"),
    [
        ("5000", 10, "up", "0"),  # the whole free quota
        ("8000", 10, "up", "3.00"),
        ("5000.01", 10, "up", "0.10"),  # the floor
        ("50000", 10, "up", "45.00"),
        ("5000.01", 0, "up", "0.01"),
        ("5000.01", 0, "half_up", "0"),
    ],
)
def test_golden_case_4_the_fee_of_a_channel(amount: str, floor: int, rounding: str, fee: str) -> None:
    schedule = FeeSchedule(500000, Decimal("0.001"), floor, rounding)
    assert schedule.fee_for(from_text(amount)) == from_text(fee)
    assert schedule.fee_for(from_text(amount), free_left=0) >= from_text(fee)


def test_a_channel_before_its_time_is_refused() -> None:
    with pytest.raises(NoSuchTerm):
        terms.channel("wechat", on=date(2012, 1, 1))


def test_every_channel_can_be_asked_today() -> None:
    assert {terms.channel(channel_id, on=DAY).id for channel_id in terms.channel_ids()} >= {"wechat", "bank_transfer"}


def test_an_operators_row_changes_a_channel() -> None:
    changed = terms.seeds().over([term("channel:wechat", "per_payment_max", 2000000)])
    assert terms.channel("wechat", on=DAY, terms=changed).per_payment_max == 2000000


# The numbers of the domain live in the seeds alone: a literal of one in a source file is a number without a date.
TELL_TALE = ("0.0005", "18.25", '0.05"', '0.24"')


def test_no_rule_of_a_card_holds_a_number_of_the_domain() -> None:
    top = Path(terms.__file__).parents[1]
    found = [
        (path.name, number)
        for path in [*sorted(top.glob("kit/*.py")), *sorted(top.glob("cards/*.py"))]
        for number in TELL_TALE
        if number in path.read_text("utf-8")
    ]
    assert not found
