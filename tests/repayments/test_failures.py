"""Why a payment failed, what to do next, and what stops by itself: one row for every code that can end an order."""

import importlib
import pkgutil
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.repayments.conftest import Home, clean, home, house

import anhuan.channels
from anhuan import notify
from anhuan.channels import capabilities
from anhuan.channels.capabilities import SCOPE
from anhuan.channels.model import NOT_FOUND, EventKind
from anhuan.kit import terms
from anhuan.kit.errors import Refused
from anhuan.repayments import alerts, bindings, failure_rules, failures, service
from anhuan.repayments.failure_rules import Failure, FailureClass, Retry, Stops
from anhuan.repayments.model import AmountRule, OrderStatus, OrderView, Wait

__all__ = ["clean", "home", "house"]
pytestmark = pytest.mark.scope("S3-26")
DAY = date(2026, 11, 22)
# Refusals of making an instruction that `service` turns into the end of an order; the others cannot come from there.
ENDING = {"not_live", "unknown", "unfit", "still_open", "barred", "card_stopped"}


def final_codes() -> set[str]:
    """Every code that some capability record calls final."""
    rows = [row for row in terms.seeds().rows() if row.layer == SCOPE and row.key == "record"]
    return {code for row in rows for code in row.value.get("final_codes", ())}


def own_codes() -> set[str]:
    """Constants of room channels that name a final code of our own."""
    found = set()
    for file in pkgutil.iter_modules(anhuan.channels.__path__):
        module = importlib.import_module(f"anhuan.channels.{file.name}")
        names = ("NOT_FOUND", "EXPIRED", "WITHDRAWN", "NOT_PAID", "REJECTED", "NAME_MISMATCH")
        found |= {str(getattr(module, name)) for name in names if isinstance(getattr(module, name, None), str)}
    return found


def test_every_final_code_of_a_channel_has_a_row() -> None:
    assert len(final_codes()) > 5
    assert NOT_FOUND in own_codes()
    assert (final_codes() | own_codes()) - set(failure_rules.table()) == set()


def test_every_way_money_comes_back_and_every_wait_has_a_row() -> None:
    codes = {one.value for one in EventKind} | {f"wait.{one}" for one in Wait} | {"name_or_card"}
    assert codes - set(failure_rules.table()) == set()


def test_every_refusal_that_ends_an_order_has_a_row() -> None:
    refused = {one.code for one in _below(Refused) if one.__module__.startswith("anhuan.channels.model")}
    ending = {code for code in refused if code.partition(".")[2] in ENDING}
    own = {"repay.no_source", "repay.no_channel", "repay.paid_meanwhile", "repay.over_day_limit",
           "repay.over_single_limit", "repay.too_little_money", "limits.over_own", "limits.paused"}  # fmt: skip
    assert len(ending) == len(ENDING)
    assert (ending | own) - set(failure_rules.table()) == set()


def _below(kind: type[Refused]) -> set[type[Refused]]:
    return {one for sub in kind.__subclasses__() for one in (sub, *_below(sub))}


def test_the_codes_that_the_source_gives_an_order_have_rows() -> None:
    source = (failures.__file__ or "").replace("failures.py", "service.py")
    with open(source, encoding="utf-8") as file:
        given = set(re.findall(r'code="([\w.]+)"', file.read()))
    assert given
    assert given - set(failure_rules.table()) == set()


@pytest.mark.parametrize("code", sorted(failure_rules.table()))
def test_a_row_says_what_happened_and_what_to_do_in_both_languages(code: str) -> None:
    row = failure_rules.table()[code]
    for lang in ("zh", "en"):
        assert row.said[lang].strip().endswith(("。", "."))
        assert set(re.findall(r"{(\w+)}", row.next_act[lang])) <= {"until", "need", "resets", "bank"}
    assert not re.search(r"[\u4e00-\u9fff]", row.said["en"] + row.next_act["en"])
    assert row.kind in FailureClass


@pytest.mark.parametrize(
    ("retry", "at"),
    [
        (Retry.NOW, "22 10:00"), (Retry.NEXT_MORNING, "23 09:00"), (Retry.WHEN_RESETS, "25 00:00"),
        (Retry.AFTER_INCOME, ""), (Retry.NEVER, ""), (Retry.BY_HAND, ""),
    ],
)  # fmt: skip
def test_when_a_payment_may_be_made_anew(retry: Retry, at: str) -> None:
    row = next(one for one in failure_rules.table().values() if one.retry is retry)
    resets = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    found = failure_rules.retry_at(row, closed_at=datetime(2026, 11, 22, 2, tzinfo=UTC), resets_at=resets)
    assert (f"{found + timedelta(hours=8 if found.utcoffset() == timedelta() else 0):%d %H:%M}" if found else "") == at


def failed(home: Home, how: str) -> OrderView:
    """One order that the bank refuses so."""
    home.bank.next.append(how)
    (order,) = home.tap(amount=10_000, rule=AmountRule.CUSTOM)
    home.deliver(order)
    return home.found(order)


def told(home: Home) -> list[notify.Message]:
    with home.rows() as db:
        return list(notify.messages(db, home.party, lang="zh", now=home.clock()))


def test_too_little_money_says_how_much_until_when(home: Home) -> None:
    order = failed(home, "no:insufficient_funds")
    failure = failures.told(order)
    assert (failure.kind, failure.retry, failure.effect) == (FailureClass.FUNDS, Retry.AFTER_INCOME, Stops.NONE)
    assert f"¥{order.amount / 100 + order.fee / 100:,.2f}" in failure.action
    assert "12月7日" in failure.action, "until the manual window begins, a day before the due day"
    (message,) = [one for one in told(home) if one.kind == "repay_failed"]
    assert "余额不足" in message.text
    assert failure.action in message.text
    assert message.text.endswith("银行不会要求您还款到其他账户。")


def test_a_failure_is_told_once_however_often_it_is_recorded(home: Home) -> None:
    order = failed(home, "no:insufficient_funds")
    assert order.key is not None
    for _ in range(3):
        with home.worker() as db:
            service.record(db, home.party, order.key, now=home.clock())
    assert [one.kind for one in told(home) if one.kind == "repay_failed"] == ["repay_failed"]


@pytest.mark.scope("S0-14")
def test_a_card_that_fails_again_and_again_is_paused_until_its_holder_resumes_it(home: Home) -> None:
    for _ in range(3):
        failed(home, "no:insufficient_funds")
        home.clock.pass_(hours=1)
    with home.rows() as db:
        (pause,) = alerts.pauses(db, home.party)
        assert (pause.account_id, pause.why, pause.by_house) == (home.account_id, "insufficient_funds", True)
        assert alerts.card_paused(db, home.party, home.account_id) == pause.since
    assert [one.urgent for one in told(home) if one.kind == "repay_card_paused"] == [True]
    (waiting,) = home.tap(amount=10_000, rule=AmountRule.CUSTOM)
    home.deliver(waiting)
    assert home.found(waiting).sent_at is None, "nothing goes to a card that is paused"
    with home.rows() as db:
        assert alerts.lift(db, home.me, home.party, home.account_id, now=home.clock())
        service.wake(db, home.party)
    home.deliver(waiting)
    assert home.found(waiting).status is OrderStatus.PROMISED


def test_what_counts_towards_a_pause() -> None:
    in_a_row = failure_rules.in_a_row
    assert in_a_row([("insufficient_funds", False), ("card_frozen", False)]) == 2
    assert in_a_row([("insufficient_funds", False), ("", True), ("card_frozen", False)]) == 1, "an arrival ends it"
    assert in_a_row([("withdrawn", False), ("daily_limit", False), ("not_paid", False)]) == 0, "nobody's fault"


def test_a_wrong_card_or_name_doubts_the_binding(home: Home) -> None:
    """Scenario 17: accepted, and returned the next day."""
    (order,) = home.tap(rule=AmountRule.CUSTOM, amount=100)
    home.deliver(order)
    failure = Failure("name_or_card", FailureClass.CARD, "", "bind_again", "", Retry.NEVER, None, Stops.BINDING)
    assert failures.told(home.found(order), reason="name_or_card").effect is Stops.BINDING
    with home.worker() as db:
        failures._doubt(db, home.found(order), failure, now=home.clock())
    with home.rows() as db:
        found = bindings.find(db, home.party, bindings.Kind.CARD, home.account_id, order.channel)
    assert found is not None
    assert found.doubtful
    (trouble,) = home.quote(channel=order.channel, amount=100, rule=AmountRule.CUSTOM).troubles
    assert (trouble.code, "核对" in trouble.message) == ("repay.binding_in_doubt", True)
    with home.rows() as db:
        bindings.bind(db, home.me, home.party, found.kind, found.subject_id, found.channel, ref=found.ref,
                      name=found.name, how=bindings.Proved.DEMONSTRATION, now=home.clock())  # fmt: skip
    assert home.quote(channel=order.channel, amount=100, rule=AmountRule.CUSTOM).troubles == ()


def test_an_order_for_later_whose_card_is_in_doubt_by_then_fails_with_what_to_do(home: Home) -> None:
    (order,) = home.tap(start_on=DAY + timedelta(days=3))
    with home.worker() as db:
        bindings.doubt(db, home.me, home.party, bindings.Kind.CARD, home.account_id, order.channel, now=home.clock())
    home.clock.pass_(days=3)
    with home.worker() as db:
        service.start(db, home.party, order.order_id, now=home.clock())
    found = home.found(order)
    assert (found.status, found.final_code) == (OrderStatus.FAILED, "repay.binding_in_doubt")
    assert failures.told(found).action.startswith("请先重新验证这张卡")


def test_one_record_of_a_channel_reads_its_codes_from_the_seeds() -> None:
    assert capabilities.record("bank_app", "cmb", on=DAY).final_codes <= set(failure_rules.table())
