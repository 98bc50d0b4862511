"""The whole plan on one page: shown, proved once, placed once; and a change that is answered by the payer."""

import re
from datetime import date

import pyotp
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient
from tests.people import browser
from tests.repayments.conftest import Home, clean, home, house
from tests.repayments.test_plans import owed

from anhuan import app as front
from anhuan.identity import codes
from anhuan.kit import db as database
from anhuan.repayments import OrderStatus, OrderView, proposing, views

__all__ = ["clean", "home", "house"]


class Phone:
    """The person's browser without a screen: forms go out as pages made them."""

    def __init__(self, home: Home, where: Engine) -> None:
        self.home = home
        made = front.create(database.sessions(), now=home.clock)
        heads = browser(where, home.party, now=home.clock())
        self.secret = codes.new_secret()
        with home.rows() as db:
            assert codes.keep_totp(db, home.party, self.secret, self.code(), now=home.clock())
        self.client = TestClient(made, base_url="http://localhost", headers=heads, follow_redirects=False)

    def code(self) -> str:
        """What the person's app shows half a minute later, so that none is used twice."""
        return pyotp.TOTP(self.secret).at(self.home.clock.pass_(seconds=31))

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, plain(answer.text)[-1200:]
        return str(answer.text)

    def post(self, path: str, **form: str) -> tuple[int, str, str]:
        """Status, text and where it leads."""
        answer = self.client.post(path, data=form)
        if token := answer.cookies.get("__Host-anhuan"):
            self.client.headers["cookie"] = f"__Host-anhuan={token}"
        return answer.status_code, str(answer.text), answer.headers.get("location", "")

    def orders(self) -> list[OrderView]:
        with self.home.rows() as db:
            return list(views.orders(db, self.home.party))


def plain(page: str) -> str:
    """What a person reads of it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture
def phone(home: Home, clean: Engine) -> Phone:
    return Phone(home, clean)


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def confirmed(phone: Phone) -> str:
    """Show the plan, send its form, prove it; where that leads."""
    form = hidden(phone.get("/plan/confirm"))
    status, asked, _ = phone.post("/plan/confirm", **form)
    assert (status, "确认是您本人" in asked) == (200, True), plain(asked)[-1500:]
    status, text, to = phone.post("/plan/confirm", **hidden(asked), code=phone.code())
    assert status == 303, plain(text)[-1500:]
    return to


@pytest.mark.scope("S0-16")
def test_a_plan_is_confirmed_with_one_proof_after_every_payment_was_shown(phone: Phone) -> None:
    assert "确认全部 1 笔 · 共 ¥1,000.00,另手续费 ¥0.00" in plain(phone.get("/plan"))
    shown = phone.get("/plan/confirm")
    said = plain(shown)
    assert "招商银行 尾号 6214" in said
    assert "本人办理" in said
    assert "合计扣款 ¥1,000.00" in said
    form = hidden(shown)
    status, asked, _ = phone.post("/plan/confirm", **form)
    assert status == 200
    assert "付 ¥1,000.00 到 招商银行 尾号 6214" in plain(asked)
    status, _, to = phone.post("/plan/confirm", **hidden(asked), code=phone.code())
    assert status == 303
    assert [one.status for one in phone.orders()] == [OrderStatus.SCHEDULED]
    again = {**form, "csrf": hidden(phone.get("/plan/confirm"))["csrf"]}
    assert phone.post("/plan/confirm", **again)[2] == to, "a second tap is the same plan"
    assert "已安排" in plain(phone.get(to))
    assert "方案已确认" in plain(phone.get("/plan"))


@pytest.mark.scope("S0-16")
def test_what_changed_since_it_was_shown_is_shown_again_and_not_placed(phone: Phone) -> None:
    form = hidden(phone.get("/plan/confirm"))
    with phone.home.rows() as db:
        owed(db, phone.home.party, "icbc", 60_000, date(2026, 11, 8), date(2026, 11, 30), "7640")
    status, text, _ = phone.post("/plan/confirm", **form)
    assert (status, "方案有变" in text) == (422, True)
    assert "共 2 笔" in plain(text)
    assert phone.orders() == []


@pytest.mark.scope("S0-11")
def test_a_change_is_shown_with_its_reason_and_can_be_left_alone(phone: Phone) -> None:
    confirmed(phone)
    with phone.home.rows() as db:
        owed(db, phone.home.party, "icbc", 60_000, date(2026, 11, 8), date(2026, 11, 30), "7640")
        assert proposing.look(db, phone.home.party, "", now=phone.home.clock()) is not None
    assert "看看有什么变化" in plain(phone.get("/plan"))
    changed = phone.get("/plan/changed")
    said = plain(changed)
    assert "因为:账单变了，或有新账单。" in said
    assert "新安排 1 笔" in said
    assert "¥600.00" in said
    form = hidden(changed)
    assert phone.post("/plan/changed/keep", **form)[2] == "/plan"
    assert [one.status for one in phone.orders()] == [OrderStatus.SCHEDULED]
    assert phone.client.get("/plan/changed").headers["location"] == "/plan"


@pytest.mark.scope("S0-11", "S0-16")
def test_confirming_the_change_takes_the_place_of_what_was_arranged(phone: Phone) -> None:
    confirmed(phone)
    with phone.home.rows() as db:
        owed(db, phone.home.party, "icbc", 60_000, date(2026, 11, 8), date(2026, 11, 30), "7640")
        proposing.look(db, phone.home.party, "", now=phone.home.clock())
    assert "会取消原来安排的 1 笔" in plain(phone.get("/plan/confirm"))
    confirmed(phone)
    kinds = sorted(one.status.value for one in phone.orders())
    assert kinds == ["cancelled", "scheduled", "scheduled"]
    assert phone.client.get("/plan/changed").headers["location"] == "/plan"


def test_with_nothing_to_confirm_the_page_says_where_the_money_is(phone: Phone) -> None:
    phone.home.tap()
    said = plain(phone.get("/plan/confirm"))
    assert "现在没有要确认的还款" in said
    assert "看还款进度" in said
