"""`anhuan repay` as people call it: shown first, paid after a typed yes, followed with honest words, taken back."""

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from tests.repayments.conftest import Home
from typer.testing import CliRunner

from anhuan import repayments
from anhuan.identity import limits
from anhuan.kit import clock
from anhuan.kit.errors import Bad
from anhuan.repayments import AmountRule, OrderView, cli
from anhuan.repayments.cli import Which, app
from anhuan.repayments.cli_words import EVENT, STATUS, WAIT
from anhuan.repayments.model import Changed, EventKind, OrderStatus, TooLateToCancel, Wait

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(home: Home, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call a command as the person of the household; bad news comes out as it was raised."""
    monkeypatch.setenv("ANHUAN_PERSON", str(home.party))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(clock, "now", home.clock)
    monkeypatch.setattr(cli, "LOOK", 0.01)

    def call(*args: str, typed: str = "", lang: str = "zh") -> tuple[int, str]:
        done = CliRunner().invoke(app, [*args, "--lang", lang], input=typed)
        if isinstance(done.exception, Bad):
            raise done.exception
        assert isinstance(done.exception, SystemExit | None), repr(done.exception)
        return done.exit_code, done.output

    return call


def paid(run: Run, home: Home, *args: str) -> OrderView:
    """One payment of 100.00, confirmed by a typed yes."""
    code, said = run("now", "6214", "--amount", "100.00", "--by", "little_bank", *args, typed="yes\n")
    assert code == 0, said
    number = re.search(r"还款单 ([0-9a-f-]{36})", said)
    assert number, said
    with home.rows() as db:
        return repayments.find(db, home.party, UUID(number[1]))


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", ("还款金额", "手续费", "预计到账")), ("en", ("Amount", "Fee", "Expected"))]
)
def test_a_quote_shows_what_a_page_shows_and_moves_nothing(
    run: Run, home: Home, lang: str, words: tuple[str, ...]
) -> None:
    code, said = run("quote", "6214", "--full", "--by", "little_bank", lang=lang)
    assert code == 0
    assert all(word in said for word in (*words, "¥1,000.00", "2026-12-08"))
    assert home.money()["held"] == 0


def test_a_payment_that_is_blocked_says_why_and_ends_with_one(run: Run, home: Home) -> None:
    code, said = run("quote", "6214", "--amount", "99999.00", "--by", "little_bank")
    assert code == 1
    assert "repay.already_on_its_way" in said
    code, said = run("now", "6214", "--amount", "99999.00", "--by", "little_bank", typed="yes\n")
    assert (code, home.money()["held"]) == (1, 0)


def test_nothing_is_paid_without_a_typed_yes(run: Run, home: Home) -> None:
    for typed in ("\n", "y\n", "no\n"):
        code, said = run("now", "6214", "--full", "--by", "little_bank", typed=typed)
        assert (code, "没有付款" in said) == (1, True)
    assert home.money()["held"] == 0


def test_a_yes_pays_once_and_says_where_the_money_is(run: Run, home: Home) -> None:
    order = paid(run, home)
    assert (order.amount, home.money()["held"]) == (10_000, 10_000)
    assert "已下单,还没有发出".replace(",", "，") in run("show", str(order.order_id))[1]
    home.deliver(order)
    code, said = run("show", str(order.order_id)[-8:])
    assert code == 0
    assert "渠道说已付，等银行入账" in said
    assert "成功" not in said
    home.prove(order)
    assert "已到账 2026-11-22" in run("show", str(order.order_id))[1]


def test_watching_follows_an_order_to_its_end(run: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    order = paid(run, home)
    steps: list[Callable[[], object]] = [lambda: home.deliver(order), lambda: home.prove(order)]

    def pause(_: float) -> None:
        steps.pop(0)()

    monkeypatch.setattr("anhuan.repayments.cli.time.sleep", pause)
    code, said = run("show", str(order.order_id), "--watch", lang="en")
    assert code == 0
    places = [said.index(word) for word in ("ordered", "the channel says it paid", "arrived, shown by bank data")]
    assert places == sorted(places)
    assert steps == []


def test_figures_that_changed_while_somebody_thought_are_not_paid(
    run: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def think(*_: Any, **__: Any) -> str:
        home.tap(rule=AmountRule.CUSTOM, amount=30_000)
        return "yes"

    monkeypatch.setattr("anhuan.repayments.cli.typer.prompt", think)
    with pytest.raises(Changed):
        run("now", "6214", "--full", "--by", "little_bank")
    assert home.money()["held"] == 30_000


def test_orders_are_listed_for_people_and_for_programs(run: Run, home: Home) -> None:
    assert "还没有还款单" in run("orders")[1]
    order = paid(run, home)
    shown = run("orders")[1]
    assert str(order.order_id)[-8:] in shown
    assert "¥100.00" in shown
    [told] = [json.loads(line) for line in run("orders", "--open", "--json")[1].splitlines()]
    assert (told["order_id"], told["amount"], told["status"]) == (str(order.order_id), "100.00", "placed")
    story = json.loads(run("show", str(order.order_id), "--json")[1])
    assert story["timeline"][0]["kind"] == "confirmed"


def test_an_order_is_cancelled_before_it_goes_out(run: Run, home: Home) -> None:
    order = paid(run, home)
    assert "没有付出任何款项" in run("cancel", str(order.order_id))[1]
    assert home.money()["held"] == 0
    other = paid(run, home)
    home.deliver(other)
    with pytest.raises(TooLateToCancel):
        run("cancel", str(other.order_id))


def test_a_card_is_paused_and_resumed_and_everything_resumes_in_the_browser(run: Run, home: Home) -> None:
    run("pause", "6214")
    order = paid(run, home)
    home.deliver(order)
    assert "这张卡暂停还款" in run("show", str(order.order_id))[1]
    assert "已恢复" in run("resume", "6214")[1]
    run("pause")
    with home.rows() as db:
        assert limits.at(db, home.party, now=home.clock()).pause is not None
    code, said = run("resume")
    assert (code, "/me/limits" in said) == (1, True)


def test_without_a_mandate_nothing_is_debited_and_it_says_so(run: Run, home: Home) -> None:
    assert "没有授权" in run("mandates")[1]
    with pytest.raises(Which):
        run("revoke", "01a20340")


def test_a_name_that_fits_nothing_is_refused(run: Run, home: Home) -> None:
    for args in (("quote", "9999"), ("quote", "6214", "--from", "9999"), ("show", "deadbeef"), ("cancel", "x")):
        with pytest.raises(Which):
            run(*args)
    assert run("quote", "6214", "--full", "--minimum")[0] == 2


def test_every_status_event_and_wait_has_its_words() -> None:
    assert set(STATUS) == {one.value for one in OrderStatus}
    assert set(EVENT) == {one.value for one in EventKind}
    assert set(WAIT) == {one.value for one in Wait}
