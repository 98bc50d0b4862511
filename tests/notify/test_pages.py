"""The page of messages, and how an address is proved by a code that was mailed."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient
from tests.notify.conftest import ADDRESS, NOW, Reader
from tests.notify.mailserver import MailServer
from tests.people import browser

from anhuan import app as house
from anhuan.kit import db as database
from anhuan.kit import ids, wall
from anhuan.kit.actors import NOBODY
from anhuan.notify import mailbox, store


class Visit:
    """Somebody at the door of the house."""

    def __init__(self, engine: Engine, party: object = None) -> None:
        self.party = ids.new_id() if party is None else party
        self.moment = [NOW]
        made = house.create(database.sessions(), now=lambda: self.moment[0])
        heads = browser(engine, self.party, now=NOW)  # type: ignore[arg-type]
        self.client = TestClient(made, base_url="http://localhost", headers=heads, follow_redirects=False)

    def text(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.status_code
        return answer.text

    def post(self, path: str, **data: str) -> int:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.text("/messages/mail"))
        assert found
        return self.client.post(path, data={"csrf": found[1], **data}).status_code

    def send_code(self) -> None:
        """What the worker does with the job."""
        mailbox.send_code(self.party, self.question(), now=self.moment[0])  # type: ignore[arg-type]

    def question(self) -> object:
        with database.transaction() as db:
            wall.enter(db, party=self.party, person=self.party)  # type: ignore[arg-type]
            row = store.address(db, self.party)  # type: ignore[arg-type]
            assert row is not None
            return row.asked_id


def code_in(smtp: MailServer) -> str:
    found = re.search(r"验证码是 (\d{6})", smtp.mails[-1].text)
    assert found
    return found[1]


def test_unread_messages_stand_first_and_are_seen_once(clean: Engine, reader: Reader) -> None:
    visit = Visit(clean, reader.party)
    assert "还没有消息" in visit.text("/messages")
    assert "有未读消息" not in visit.text("/me")
    reader.tell(urgent=True)
    page = visit.text("/messages")
    assert "1 条未读" in page
    assert "一笔还款待核实" in page
    assert "有未读消息" in visit.text("/me")
    assert "一笔还款待核实" in visit.text("/"), "an urgent one stays in sight at home"
    assert visit.post("/messages/seen") == 303
    assert "看过的" in visit.text("/messages")
    assert "一笔还款待核实" not in visit.text("/")


def test_an_address_is_used_only_after_its_code_came_back(clean: Engine, smtp: MailServer) -> None:
    visit = Visit(clean)
    assert visit.post("/messages/mail", address=ADDRESS) == 303
    visit.send_code()
    assert smtp.mails[-1].to == ADDRESS
    wrong = "000000" if code_in(smtp) != "000000" else "111111"
    assert visit.post("/messages/mail/code", code=wrong) == 409
    assert visit.post("/messages/mail/code", code="１２３４五六") == 409, "signs that no code has are no fault"
    assert "提醒发往" not in visit.text("/messages/mail")
    assert visit.post("/messages/mail/code", code=code_in(smtp)) == 303
    assert f"提醒发往 {ADDRESS}" in visit.text("/messages/mail")
    assert visit.post("/messages/mail/forget") == 303
    assert "提醒发往" not in visit.text("/messages/mail")


def test_a_code_is_tried_only_so_often_and_only_so_long(clean: Engine, smtp: MailServer) -> None:
    guessing, late = Visit(clean), Visit(clean)
    for visit in (guessing, late):
        visit.post("/messages/mail", address=ADDRESS)
        visit.send_code()
    right = code_in(smtp)
    with database.transaction() as db:
        wall.enter(db, party=late.party, person=late.party)  # type: ignore[arg-type]
        assert not mailbox.prove(db, NOBODY, late.party, right, now=NOW + timedelta(minutes=31))  # type: ignore[arg-type]
    guessing.send_code()
    right = code_in(smtp)
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(5):
        guessing.post("/messages/mail/code", code=wrong)
    assert guessing.post("/messages/mail/code", code=right) == 409


def test_nobodys_mailbox_is_filled_with_codes(clean: Engine, smtp: MailServer) -> None:
    visit = Visit(clean)
    assert [visit.post("/messages/mail", address=ADDRESS) for _ in range(4)] == [303, 303, 303, 409]


def test_an_address_that_smuggles_a_line_is_refused(clean: Engine, smtp: MailServer) -> None:
    assert Visit(clean).post("/messages/mail", address="lin@example.com\r\nBcc: all@example.com") == 409


def test_without_a_mail_server_the_page_says_so(clean: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANHUAN_SMTP_URL", raising=False)
    visit = Visit(clean)
    assert "没有设置发信服务器" in visit.text("/messages")
    assert visit.client.get("/messages/mail").status_code == 200
