"""Repaying by pages and forms: what a sheet says before it is confirmed, one tap as one, what is refused and why."""

import re
from datetime import date, timedelta
from uuid import UUID, uuid4

import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient
from tests.channels.bank import NAME
from tests.channels.conftest import Clock
from tests.people import browser
from tests.repayments.conftest import Home, clean, home, house

from anhuan import app as front
from anhuan import cards
from anhuan.cards import BillFacts
from anhuan.channels import evidence
from anhuan.channels.holders import Holder
from anhuan.channels.service import WORKER
from anhuan.identity import codes, limits
from anhuan.kit import db as database
from anhuan.kit import ids
from anhuan.repayments import AmountRule, OrderStatus, OrderView, bindings, views

__all__ = ["clean", "home", "house"]
S = OrderStatus


class Phone:
    """The person's browser without a screen: forms go out as pages made them."""

    def __init__(self, home: Home, where: Engine, made: FastAPI) -> None:
        self.home, self.where = home, where
        heads = browser(where, home.party, now=home.clock())
        self.secret = codes.new_secret()
        with home.rows() as db:
            assert codes.keep_totp(db, home.party, self.secret, self.code(), now=home.clock())
        self.client = TestClient(made, base_url="http://localhost", headers=heads, follow_redirects=False)

    def sign_in_again(self) -> None:
        """A new session, where the old one has ended with the days."""
        self.client.headers.update(browser(self.where, self.home.party, now=self.home.clock()))

    def code(self) -> str:
        """What the person's app shows half a minute later, so that none is used twice."""
        return pyotp.TOTP(self.secret).at(self.home.clock.pass_(seconds=31))

    def get(self, path: str, status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, re.sub(r"\s+", " ", answer.text)[-1200:]
        return str(answer.text)

    @property
    def sheet(self) -> str:
        return f"/repay/{self.home.account_id}"

    def form(self, page: str) -> dict[str, str]:
        """The fields of the sheet's form as they stand: hidden ones, what is chosen, what is written."""
        found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        for name, value in re.findall(r'<input type="radio"[^>]* name="(\w+)" value="([^"]*)" checked', page):
            found[name] = value
        for name, value in re.findall(r'<input class="input[^>]* name="(\w+)"[^>]* value="([^"]*)"', page):
            found[name] = value
        chosen = re.search(r'<option value="([^"]*)" selected', page)
        return {**found, **({"source": chosen[1]} if chosen else {}), "act": "pay"}

    def post(self, path: str, **form: str) -> tuple[int, str, str]:
        """Status, text and where it leads."""
        answer = self.client.post(path, data=form)
        if token := answer.cookies.get("__Host-anhuan"):
            self.client.headers["cookie"] = f"__Host-anhuan={token}"
        return answer.status_code, str(answer.text), answer.headers.get("location", "")

    def confirm(self, form: dict[str, str]) -> str:
        """Send the sheet, then the proof that the page after it asks for; where that leads."""
        status, asked, _ = self.post("/repay", **form)
        assert (status, "确认是您本人" in asked) == (200, True), re.sub(r"\s+", " ", asked)[-1500:]
        status, text, to = self.post("/repay", **self.form(asked), code=self.code())
        assert status == 303, re.sub(r"\s+", " ", text)[-1500:]
        return to

    def orders(self) -> list[OrderView]:
        with self.home.rows() as db:
            return list(views.orders(db, self.home.party))


def cost_of(page: str) -> str:
    """What the box says that must be ticked."""
    found = re.search(r'name="read" value="([^"]+)"', page)
    assert found
    return found[1]


def plain(page: str) -> str:
    """What a person reads of it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture(scope="module")
def door(house: Engine) -> tuple[FastAPI, list[Clock]]:
    """The house of this file's tests, and the clock that it reads."""
    clocks: list[Clock] = []
    return front.create(database.sessions(), now=lambda: clocks[-1]()), clocks


@pytest.fixture
def phone(home: Home, clean: Engine, door: tuple[FastAPI, list[Clock]]) -> Phone:
    door[1].append(home.clock)
    return Phone(home, clean, door[0])


@pytest.mark.scope("S3-06", "S3-03")
def test_each_choice_says_what_it_leads_to_before_anything_is_confirmed(phone: Phone) -> None:
    said = plain(phone.get(phone.sheet))
    assert "全额 还清,免息期保住 ¥1,000.00" in said
    assert re.search(r"最低 还剩 ¥900.00,约多付利息 ¥\d+\.\d\d ¥100.00", said)
    assert "验证并还款 ¥1,000.00" in said
    assert re.search(r"合计扣款 ¥1,000.00 预计到账 .* 前 ", said)
    custom = plain(phone.get(f"{phone.sheet}?rule=custom&amount=400"))
    assert "还剩 ¥600.00,约多付利息" in custom
    assert "验证并还款 ¥400.00" in custom
    assert phone.orders() == []


@pytest.mark.scope("S3-03", "S3-01")
def test_two_taps_on_one_form_are_one_payment(phone: Phone) -> None:
    form = phone.form(phone.get(phone.sheet))
    asked = phone.form(phone.post("/repay", **form)[1])
    _, _, to = phone.post("/repay", **asked, code=phone.code())
    assert "已受理,钱在路上" in plain(phone.get(to))
    assert phone.post("/repay", **{**form, "csrf": phone.form(phone.get("/me/money"))["csrf"]})[2] == to
    bogus = {**asked, "csrf": phone.form(phone.get("/me/money"))["csrf"], "step_up": str(ids.new_id()), "code": "1"}
    phone.home.clock.pass_(seconds=1)
    repeated = phone.client.post("/repay", data=bogus)
    assert (repeated.headers["location"], "set-cookie" in repeated.headers) == (to, False)  # the session is not renewed
    assert [(one.amount, one.status) for one in phone.orders()] == [(100_000, S.PLACED)]
    assert "已经还清,或全部在路上" in plain(phone.get(phone.sheet)).replace("，", ",")


def test_figures_that_changed_since_the_sheet_are_shown_anew(phone: Phone) -> None:
    form = phone.form(phone.get(phone.sheet))
    with phone.home.rows() as db:
        cards.record_payment(db, phone.home.party, phone.home.bill_id, 30_000, phone.home.clock().date(),
                             now=phone.home.clock())  # fmt: skip
    status, text, _ = phone.post("/repay", **form)
    assert status == 422
    assert "内容有变" in plain(text)
    assert "验证并还款 ¥700.00" in plain(text)
    assert phone.orders() == []


def test_a_proof_for_one_amount_pays_no_other(phone: Phone) -> None:
    page = phone.get(f"{phone.sheet}?rule=custom&amount=400")
    _, asked, _ = phone.post("/repay", **phone.form(page), read=cost_of(page))
    sent = {**phone.form(asked), "rule": "full", "amount": "", "read": "", "code": phone.code()}
    status, text, _ = phone.post("/repay", **sent)
    assert status == 422
    assert "这次确认已失效" in plain(text)
    assert phone.orders() == []


@pytest.mark.scope("S0-43")
def test_paying_the_minimum_wants_its_cost_ticked_as_read(phone: Phone) -> None:
    page = phone.get(f"{phone.sheet}?rule=minimum")
    assert re.search(r"还有 ¥900.00 没还,要多付约 ¥\d+\.\d\d", plain(page))
    status, text, _ = phone.post("/repay", **phone.form(page))
    assert (status, "请先勾选" in plain(text), phone.orders()) == (422, True, [])
    phone.confirm({**phone.form(text), "read": cost_of(text)})
    assert [(one.amount, one.rule) for one in phone.orders()] == [(10_000, AmountRule.MINIMUM)]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("rule=custom&amount=1000.01", "金额超过待还"),
        ("rule=custom&amount=abc", "请填写大于零的金额"),
        ("rule=custom&amount=-5", "请填写大于零的金额"),
        ("channel=nowhere", "现在没有渠道能付这一笔"),
        ("day=2026-11-01", "还款的日子已经过去"),
    ],
)
def test_what_cannot_be_confirmed_says_why_and_the_button_waits(phone: Phone, asked: str, said: str) -> None:
    page = phone.get(f"{phone.sheet}?{asked}")
    assert said in plain(page)
    assert "disabled>还不能确认" in page


@pytest.mark.scope("S3-07")
def test_sources_and_channels_are_chosen_among_own_ones_with_what_they_hold(phone: Phone) -> None:
    with phone.home.rows() as db:
        small = cards.set_account(db, phone.home.party, "ccb", "0099")
        cards.record_balance(db, phone.home.party, small.account_id, 5_000, balance_on=phone.home.clock().date())
    said = plain(phone.get(phone.sheet))
    assert "工商银行 1024 · ¥20,000.00" in said
    assert "建设银行 0099 · ¥50.00" in said
    assert re.search(r"发卡行App 本人办理 手续费 ¥0.00 · 最晚 .* 开始还稳妥", said)
    poor = plain(phone.get(f"{phone.sheet}?source={small.account_id}"))
    assert "还差 950.00 元" in poor
    assert "更新余额" in poor


@pytest.mark.scope("S3-01", "S3-03")
def test_several_cards_are_one_summary_and_one_confirmation(phone: Phone) -> None:
    home = phone.home
    with home.rows() as db:
        facts = cards.BillFacts("icbc", "CNY", 50_000, 5_000, home.clock().date() - timedelta(4),
                                home.clock().date() + timedelta(20), ("3096",))  # fmt: skip
        other = cards.record_bill(db, home.party, facts, now=home.clock()).account_id
    assert "工商银行 尾号 3096" in phone.get("/repay")
    page = phone.get(f"/repay?accounts={home.account_id},{other}")
    assert "验证并还款 ¥1,500.00" in plain(page)
    form = phone.form(page)
    both = {**form, "account": [str(home.account_id), str(other)], "rule": ["full", "full"]}
    answer = phone.client.post("/repay", data=both)
    assert "合计扣款 ¥1,500.00" in plain(answer.text)
    both |= {name: re.findall(f'name="{name}" value="([^"]*)"', answer.text) for name in ("source", "channel")}
    again = {**both, **{name: phone.form(answer.text)[name] for name in ("step_up", "csrf")}, "code": phone.code()}
    assert phone.client.post("/repay", data=again).status_code == 303
    made = phone.orders()
    assert sorted(one.amount for one in made) == [50_000, 100_000]
    assert len({one.group_id for one in made}) == 1


def test_a_payment_on_a_day_waits_and_is_taken_back(phone: Phone) -> None:
    page = phone.get(f"{phone.sheet}?day=2026-11-25")
    assert "验证并安排 ¥1,000.00" in plain(page)
    phone.confirm(phone.form(page))
    [order] = phone.orders()
    assert order.status is S.SCHEDULED
    place = f"/repay/orders/{order.order_id}"
    assert "11月25日 周三 09:00 付出" in plain(phone.get(place))
    csrf = phone.form(phone.get("/me/money"))["csrf"]
    assert phone.post(f"{place}/cancel", csrf=csrf)[0] == 303
    assert "没有付出任何款项" in plain(phone.get(place))


@pytest.mark.scope("S3-02", "S0-40")
def test_an_order_tells_every_stage_and_is_not_called_arrived_before_bank_data(phone: Phone) -> None:
    phone.confirm(phone.form(phone.get(phone.sheet)))
    [order] = phone.orders()
    place = f"/repay/orders/{order.order_id}"
    assert "银行受理 正在等这一步" in plain(phone.get(place))
    phone.home.deliver(order)
    said = plain(phone.get(place))
    assert "通道回执:已付 回执号" in said
    assert re.search(r"入账待确认 正在等这一步 .* 前", said)
    assert "已到账" not in said
    assert "load delay:3s" in phone.get(place), "it asks again by itself"
    assert phone.post(f"{place}/cancel", csrf=phone.form(phone.get("/me/money"))["csrf"])[0] == 409
    phone.home.prove(order)
    said = plain(phone.get(place))
    assert "已到账 凭证:11月22日 周日 银行文件" in said
    assert "load delay" not in phone.get(place), "what is at its end stands still"


def test_the_page_after_a_tap_follows_the_money_by_itself(phone: Phone) -> None:
    to = phone.confirm(phone.form(phone.get(phone.sheet)))
    assert "load delay:3s" in phone.get(to)
    assert "load delay:30s" in phone.get(f"{to}?pause=900")
    [order] = phone.orders()
    phone.home.deliver(order)
    phone.home.prove(order)
    page = phone.get(to)
    assert ("<h1>已到账</h1>" in page, "load delay" in page) == (True, False)


def test_the_page_after_a_tap_that_failed_says_so(phone: Phone) -> None:
    to = phone.confirm(phone.form(phone.get(phone.sheet)))
    phone.home.bank.next.append("no:insufficient_funds")
    phone.home.deliver(phone.orders()[0])
    page = phone.get(to)
    assert ("<h1>没有成功</h1>" in page, "load delay" in page) == (True, False)


@pytest.mark.scope("S3-26")
def test_a_payment_that_failed_is_made_another_way_as_a_new_order(phone: Phone) -> None:
    phone.confirm(phone.form(phone.get(phone.sheet)))
    [order] = phone.orders()
    phone.home.bank.next.append("no:insufficient_funds")
    phone.home.deliver(order)
    page = phone.get(f"/repay/orders/{order.order_id}")
    assert "没有成功,钱没有离开您的账户" in plain(page)
    assert "有还款要您看一下" in plain(phone.get("/"))
    again = re.search(r'href="(/repay/[^"]+retry_of[^"]+)"', page)
    assert again
    phone.confirm(phone.form(phone.get(again[1].replace("&amp;", "&"))))
    new, old = phone.orders()
    assert (new.retry_of, old.status) == (order.order_id, S.FAILED)
    assert "看那一笔" in phone.get(f"/repay/orders/{order.order_id}")


def test_what_is_on_its_way_is_not_asked_for_again(phone: Phone) -> None:
    assert "立即还款" in plain(phone.get("/"))
    phone.confirm(phone.form(phone.get(phone.sheet)))
    said = plain(phone.get("/"))
    assert "立即还款" not in said
    assert "本月都已安排,最近到账" in said
    assert "在途 ¥1,000.00" in said
    assert "◑ 在途" in plain(phone.get(f"/cards/{phone.home.account_id}"))


def test_paying_by_hand_says_so_and_leads_to_the_steps(phone: Phone) -> None:
    page = phone.get(f"{phone.sheet}?channel=bank_app")
    assert "这张卡要您本人在银行付" in plain(page)
    to = phone.confirm(phone.form(page))
    [order] = phone.orders()
    assert f"/repay/by-hand/{order.key}" in phone.get(to)
    assert "待付款" in plain(phone.get("/"))


def test_a_payment_by_hand_that_a_newer_bill_left_behind_asks_what_became_of_it(phone: Phone) -> None:
    phone.confirm(phone.form(phone.get(f"{phone.sheet}?channel=bank_app")))
    [old] = phone.orders()
    phone.home.deliver(old)
    phone.home.clock.pass_(days=27)
    with phone.home.rows() as db:
        facts = BillFacts("cmb", "CNY", 150_000, 15_000, date(2026, 12, 18), date(2027, 1, 8), ("6214",))
        cards.record_bill(db, phone.home.party, facts, now=phone.home.clock())
    phone.sign_in_again()
    home = plain(phone.get("/"))
    assert "有还款要您看一下" in home
    assert "? 待核实 新账单已出,这一笔付了没有?" in home
    assert "立即还款" in home, "the new bill can be repaid"
    shown = phone.get(f"/repay/orders/{old.order_id}")
    assert "这是上一期账单的还款" in plain(shown)
    assert "您在银行付款" not in plain(shown), "nobody is led to pay the old amount beside the new bill"
    phone.confirm(phone.form(phone.get(phone.sheet)))
    assert phone.orders()[0].amount == 150_000
    action = f"/repay/by-hand/{old.key}/unpaid"
    assert f'action="{action}"' in shown
    csrf = re.search(r'name="csrf" value="([^"]+)"', phone.get(f"/repay/orders/{old.order_id}"))
    assert csrf
    assert phone.post(action, csrf=csrf[1])[0] == 303
    assert old.key is not None
    with phone.home.worker() as db:
        evidence.weigh(db, phone.home.party, old.key, now=phone.home.clock())
    assert "有还款要您看一下" not in plain(phone.get("/"))


def test_the_lists_are_narrowed_and_empty_ones_say_so(phone: Phone) -> None:
    assert "还没有还款" in plain(phone.get("/repay/orders"))
    phone.confirm(phone.form(phone.get(phone.sheet)))
    assert "招商银行 尾号 6214" in phone.get("/repay/orders?only=open")
    assert "这一类没有还款" in plain(phone.get("/repay/orders?only=arrived"))
    assert "招商银行 尾号 6214" in phone.get("/repay/orders?only=nonsense&before=soon")


def test_without_an_own_account_the_sheet_leads_to_one(phone: Phone) -> None:
    with phone.home.rows() as db:
        cards.remove_account(db, phone.home.party, phone.home.source_id)
    assert "先添加付款账户" in plain(phone.get(phone.sheet))


def test_what_is_somebody_elses_is_not_there(phone: Phone) -> None:
    for path in ("/repay/{}", "/repay/orders/{}", "/repay/group/{}", "/repay/orders/{}/receipt"):
        phone.get(path.format(uuid4()), status=404)


def test_a_form_from_elsewhere_pays_nothing(phone: Phone) -> None:
    form = phone.form(phone.get(phone.sheet))
    assert phone.post("/repay", **{**form, "csrf": "00" * 64})[0] == 422
    assert phone.orders() == []


def test_a_binding_that_is_in_doubt_wants_to_be_checked_anew_and_one_is_taken_back(phone: Phone) -> None:
    home = phone.home
    with home.rows() as db:
        bindings.doubt(db, home.me, home.party, bindings.Kind.CARD, home.account_id, "little_bank", now=home.clock())
    page = phone.get("/me/bindings")
    assert "请重新核对" in plain(page)
    assert "card-6214" not in page, "of a reference its end is shown"
    number = re.search(r"/me/bindings/([0-9a-f-]{36})/remove", page)
    assert number
    phone.post(f"/me/bindings/{UUID(number[1])}/remove", csrf=phone.form(page)["csrf"])
    with home.rows() as db:
        assert len(bindings.of(db, home.party)) == 1


@pytest.mark.parametrize(
    ("told", "ref", "said"),
    [
        (Holder(True, "own_debit"), "62220000 1024", ""),
        (Holder(False, "own_debit"), "62220000 1024", "户名与银行的记录不符"),
        (Holder(None), "62220000 1024", "暂时核不了户名"),
        (Holder(True, "credit_card"), "62220000 1024", "信用卡不能用来还信用卡"),
        (Holder(True, "own_debit"), "62220000 9999", "与尾号 1024 不符"),
    ],
)
def test_an_account_is_bound_only_where_its_bank_says_it_is_the_payers(
    phone: Phone, monkeypatch: pytest.MonkeyPatch, told: Holder, ref: str, said: str
) -> None:
    home = phone.home
    with home.rows() as db:
        for one in bindings.of(db, home.party):
            bindings.remove(db, home.me, home.party, one.id, now=home.clock())
    monkeypatch.setattr(home.connector, "check_holder", lambda kind, ref, name: told, raising=False)
    page = phone.get("/me/bindings")
    form = {"csrf": phone.form(page)["csrf"], "kind": "source", "subject": str(home.source_id),
            "channel": "little_bank", "ref": ref, "name": "林"}  # fmt: skip
    status, text, _ = phone.post("/me/bindings", **form)
    with home.rows() as db:
        assert bindings.of(db, home.party) == (), "an open session alone binds nothing"
    if not said:
        assert "号码:62220000 1024" in plain(text), "the whole number is confirmed, not its end alone"
        changed = {**phone.form(text), "ref": "62229999 1024"}
        assert phone.post("/me/bindings", **changed, code=phone.code())[0] == 422, "the proof is for what was shown"
        with home.rows() as db:
            assert bindings.of(db, home.party) == ()
        status, text, _ = phone.post("/me/bindings", **phone.form(text), code=phone.code())
    with home.rows() as db:
        bound = bindings.of(db, home.party)
    assert (status, len(bound)) == ((422, 0) if said else (303, 1))
    assert said in plain(text)


def test_nobody_learns_by_many_tries_who_holds_an_account(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    home, asked = phone.home, list[str]()

    def told(kind: str, ref: str, name: str) -> Holder:
        asked.append(name)
        return Holder(False, "own_debit")

    monkeypatch.setattr(home.connector, "check_holder", told, raising=False)
    form = {"csrf": phone.form(phone.get("/me/bindings"))["csrf"], "kind": "source", "subject": str(home.source_id),
            "channel": "little_bank", "ref": "62220000 1024"}  # fmt: skip
    texts = [phone.post("/me/bindings", **form, name=f"林{number}")[1] for number in range(12)]
    assert len(asked) == 10
    assert "请求太频繁" in plain(texts[-1])


def test_a_proof_that_was_taken_back_says_not_to_pay_twice(phone: Phone) -> None:
    home = phone.home
    phone.confirm(phone.form(phone.get(phone.sheet)))
    [order] = phone.orders()
    home.deliver(order)
    home.prove(order)
    assert order.key is not None
    with home.worker() as db:
        proof = evidence.of(db, home.party, order.key).rows[0].id
        evidence.doubt(db, WORKER, home.party, order.key, proof, reason="记到了别的账单", now=home.clock())
        evidence.weigh(db, home.party, order.key, now=home.clock())
    said = plain(phone.get(f"/repay/orders/{order.order_id}"))
    assert "钱可能已在路上,请先不要重复还款" in said
    assert "下次查询" in said
    assert "已撤回" in said
    assert "有还款要您看一下" in plain(phone.get("/"))


def test_what_the_payer_paused_waits_and_says_how_to_go_on(phone: Phone) -> None:
    home = phone.home
    phone.confirm(phone.form(phone.get(phone.sheet)))
    [order] = phone.orders()
    with home.rows() as db:
        limits.pause_everything(db, home.me, now=home.clock())
    home.deliver(order)
    page = phone.get(f"/repay/orders/{order.order_id}")
    assert "您暂停了所有付款" in plain(page)
    assert 'href="/me/limits"' in page
    assert "取消,换一种方式" in page


def test_a_card_in_doubt_is_paid_by_hand_meanwhile_and_the_sheet_says_why(phone: Phone) -> None:
    home = phone.home
    with home.worker() as db:
        bindings.doubt(db, home.me, home.party, bindings.Kind.CARD, home.account_id, NAME, now=home.clock())
    shown = phone.get(f"/repay/{home.account_id}")
    assert "这张卡要您本人在银行付" in shown
    assert "上次付到这张卡的钱退回来了" in shown
    assert "绑定要先核对" in shown
    chosen = phone.get(f"/repay/{home.account_id}?channel={NAME}")
    assert '卡号或户名要先在「我的-绑定」核对。 <a href="/me/bindings">去核对</a>' in chosen
