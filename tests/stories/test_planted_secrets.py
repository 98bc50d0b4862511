"""One person's whole story through the real doors, with values planted in it; afterwards nothing of them lies open.

Searched are every table as the superuser dumps it, the logs, the answers to faults and to others, and every file of the
installation. Only the answers to the person may hold what is the person's own.
"""

import base64
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg
import pyotp
import pytest
import structlog
from sqlalchemy import Engine, make_url
from starlette.testclient import TestClient
from tests.people import sign_in
from tests.statements.fixtures_mail import CMB_HEADING, CMB_ROWS
from tests.statements.shapes_mail import Letter, Para, mail, rows

from anhuan import app as house
from anhuan.cli import main as command_line
from anhuan.identity import Role, clients, commands, journey, recovery, sessions, signin
from anhuan.kit import clock, ids, page, postgres, terminal, wall
from anhuan.kit import db as database
from anhuan.statements import service
from anhuan.statements.keyed import Keyed

NAME, HANDLE, PASSWORD = "欧阳琥珀", "amber-otter", "quiet umbrella orbit"
CARD, PHONE, IDENTITY = "6222021234567890128", "13912349876", "11010519491231002X"
MAIL, SHOP, LABEL = "amber.otter@example.com", "琥珀修表铺", "留给外婆的卡"
FEN, YUAN, LEAST = 7654321, "76,543.21", 382716
CONTROL = "琥珀对照"

BOUGHT = f"{SHOP},/,修表 {PHONE} {IDENTITY} {CARD},支出,76543.21,招商银行信用卡(3096)"
ALIPAY = f"""------------------------------------------------------------------------------------
导出信息：
姓名：{NAME}
支付宝账户：{MAIL}
起始时间：[2026-07-01 00:00:00]    终止时间：[2026-07-31 23:59:59]
导出交易类型：[全部]

------------------------支付宝支付科技有限公司  电子客户回单------------------------
交易时间,交易分类,交易对方,对方账号,商品说明,收/支,金额,收/付款方式,交易状态,交易订单号,商家订单号,备注,
2026-07-12 08:30:00,日用百货,{BOUGHT},交易成功,20260712220014001	,T1	,,
"""


@dataclass
class Planted:
    """What was planted, by name, and what is searched for it."""

    values: dict[str, str | int] = field(default_factory=dict)
    places: dict[str, bytes] = field(default_factory=dict)

    def found(self) -> set[tuple[str, str]]:
        """(value, place) of all that lies open."""
        shapes = {name: list(forms(value)) for name, value in self.values.items()}
        told = set()
        for place, content in self.places.items():
            lower = content.lower()
            told |= {(name, place) for name, each in shapes.items() if any(one.lies_in(content, lower) for one in each)}
        return told


@dataclass(frozen=True)
class Shape:
    """Bytes that are looked for: as they are, in hex whatever the case, or as a number that stands alone."""

    raw: bytes
    is_hex: bool = False
    is_number: bool = False

    def lies_in(self, content: bytes, lower: bytes) -> bool:
        """Whether it is there; the plain search comes first, for it is many times faster than an expression."""
        if self.raw not in (lower if self.is_hex else content):
            return False
        alone = rb"(?<![0-9a-fA-F.])" + re.escape(self.raw) + rb"(?![0-9a-fA-F])"
        return not self.is_number or re.search(alone, content) is not None


def forms(value: str | int) -> Iterator[Shape]:
    """Every shape in which a value may lie somewhere: letters of several codes, hex, base64, in a URL, in JSON."""
    if isinstance(value, int):
        yuan = f"{value // 100}.{value % 100:02}"
        for text in (str(value), yuan, f"{value // 100:,}.{value % 100:02}"):
            yield Shape(text.encode(), is_number=True)
        raws = [text.encode() for text in (str(value), yuan)] + [
            value.to_bytes(8, order) for order in ("big", "little")
        ]
    else:
        raws = [value.encode(), value.encode("utf-16-le"), value.encode("utf-16-be"), value.encode("gb18030")]
        others = (quote(value), json.dumps(value)[1:-1])
        yield from (Shape(raw) for raw in (*raws, *(other.encode() for other in others)))
    for raw in raws:
        if len(raw) >= 6:
            yield Shape(raw.hex().encode(), is_hex=True)
            yield from (Shape(each) for each in in_base64(raw))


def in_base64(raw: bytes) -> Iterator[bytes]:
    """The letters that stay the same wherever the bytes stand within what was encoded."""
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw)
        kept = whole[-(-shift * 8 // 6) if shift else 0 : (shift + len(raw)) * 8 // 6]
        yield kept
        yield kept.replace(b"+", b"-").replace(b"/", b"_")


def dump(server: postgres.Access, name: str) -> dict[str, bytes]:
    """Every table of the database as the superuser copies it out."""
    url = make_url(server.owner).set(database=name).render_as_string(hide_password=False)
    told = {}
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            with connection.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT".encode()) as copy:
                told[table] = b"".join(map(bytes, copy))
    return told


@dataclass
class Lin:
    """The person's browser, and what only the person is given."""

    client: TestClient
    id: UUID
    handle: str
    planted: Planted
    answers: list[tuple[str, bytes]] = field(default_factory=list)  # faults and answers to others

    def ask(self, method: str, path: str, status: int, **more: Any) -> Any:
        """One request of the person's own, answered with this status."""
        said = self.client.request(method, path, **more)
        assert said.status_code == status, (path, said.status_code, said.text[:800])
        if status >= 500:
            self.answers.append((f"answer to {path}", said.content))
        return said


def door() -> TestClient:
    made = house.create(database.sessions())
    head = {"sec-fetch-site": "same-origin"}
    return TestClient(
        made, base_url="https://localhost:8000", headers=head, client=("127.0.0.1", 4711), follow_redirects=False,
        raise_server_exceptions=False,
    )  # fmt: skip


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found, name
    return found[1]


def join(planted: Planted) -> Lin:
    """Come in by a welcome link with password and codes, and keep what is shown once."""
    with database.sessions("work").begin() as db:
        token = signin.invite(db, now=clock.now(), roles=(Role.HOLDER,), given_by=recovery.installer())
    client = door()
    place = f"/welcome/{token}/password"
    seen = client.get(place).text
    secret = hidden(seen, "secret")
    typed = {
        "csrf": hidden(seen, "csrf"), "agreed": hidden(seen, "agreed"), "name": NAME, "handle": HANDLE,
        "password": PASSWORD, "secret": secret, "code": pyotp.TOTP(secret).now(),
    }  # fmt: skip
    said = client.post(place, data=typed)
    assert said.status_code == 200, said.text[:500]
    paper = re.findall(r'<li class="num">([^<]+)</li>', said.text)
    handle = re.search(r'<p class="strong gap num">([^<]+)</p>', said.text)
    session = client.cookies.get(page.SESSION_COOKIE)
    assert paper
    assert handle
    assert session
    planted.values |= {
        "welcome token": token, "password": PASSWORD, "secret of codes": secret, "sign-in name": handle[1],
        "session": session, "name": NAME,
    }  # fmt: skip
    planted.values |= {f"paper {n}": code for n, code in enumerate(paper)}
    with database.transaction() as db:
        who = sessions.admit(db, session, now=clock.now())
    assert who.person_id is not None
    return Lin(client, who.person_id, handle[1], planted)


def sign_in_again(lin: Lin) -> None:
    """A wrong password, then the right one with a code from paper."""
    client = door()
    paper = str(lin.planted.values["paper 0"])
    for password, status in ((PASSWORD + "?", 422), (PASSWORD, 303)):
        seen = client.get("/sign-in/password").text
        typed = {"csrf": hidden(seen, "csrf"), "handle": lin.handle, "password": password, "code": paper}
        said = client.post("/sign-in/password", data=typed)
        assert said.status_code == status or (status == 422 and said.status_code in (400, 401, 403)), said.text[:300]
    again = client.cookies.get(page.SESSION_COOKIE)
    assert again
    lin.planted.values["second session"] = again
    lin.client = client


def files() -> list[tuple[str, tuple[str, bytes]]]:
    bill = Letter(
        "ccsvc@message.cmbchina.com", "招商银行信用卡电子账单",
        (
            Para(f"尊敬的{NAME}先生："),
            rows(("2026/07/09-2026/08/08", "￥ 350,000.00", f"￥ {YUAN}", f"￥ {LEAST / 100:,.2f}", "2026/08/26")),
            CMB_HEADING, *CMB_ROWS,
            rows(("0713", "0714", f"{SHOP} {CARD}", f"￥{YUAN}", "3096", "CN", YUAN)),
        ),
    )  # fmt: skip
    return [
        ("files", (f"{SHOP}.eml", mail(bill))),
        ("files", (f"{SHOP}.csv", ALIPAY.encode("gb18030"))),
    ]


def take_in(lin: Lin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Agree, import with two faults on the way, and call a card by a name."""
    kept = lin.ask("GET", "/api/v1/consents", 200).json()
    version = next(each["version"] for each in kept if each["purpose"] == "bill_reading")
    yes = {"version": version or 1, "lang": "zh"}
    lin.ask("POST", "/api/v1/consents/bill_reading", 200, json=yes)
    made = lin.ask("POST", "/api/v1/imports/preview", 201, files=files()).json()
    with monkeypatch.context() as broken:
        broken.setattr(Keyed, "content", lambda self, sha256: b"\0" * 16)  # the database refuses the second file
        lin.ask("POST", f"/api/v1/imports/{made['id']}/commit", 500)
    with monkeypatch.context() as broken:
        broken.setattr(service, "_apply", stumble)
        lin.ask("POST", f"/api/v1/imports/{made['id']}/commit", 500)
    lin.ask("POST", f"/api/v1/imports/{made['id']}/commit", 200)
    told = lin.ask("GET", f"/api/v1/imports/{made['id']}/lines", 200).text
    assert SHOP in told, "the person must be able to read what was planted"
    assert CARD not in told
    lin.ask("POST", "/api/v1/cards", 201, json={"bank": "cmb", "number": "3096", "label": LABEL})
    lin.planted.values |= {
        "card number": CARD, "telephone": PHONE, "identity number": IDENTITY, "e-mail": MAIL, "shop": SHOP,
        "label": LABEL, "amount": FEN, "least amount": LEAST,
    }  # fmt: skip


def stumble(*_: Any, **__: Any) -> None:
    """What a library might do: put into its error what it was given."""
    raise RuntimeError(f"cannot write {CARD} {PHONE} {IDENTITY} {MAIL} password={PASSWORD}")


def take_a_copy(lin: Lin) -> None:
    """Ask for everything, let the worker make it, and read it."""
    asked = lin.ask("POST", "/api/v1/data-requests", 202, json={"kind": "export"}).json()
    journey.make_export(str(lin.id), asked["id"])
    act = {"act": "export_fetched", "request_id": asked["id"]}
    step_up = lin.ask("POST", "/api/v1/step-ups", 201, json=act).json()["id"]
    totp = pyotp.TOTP(str(lin.planted.values["secret of codes"]))
    code = totp.at(clock.now() + timedelta(seconds=totp.interval))  # the one of this moment opened the door
    proof = {"proof": {"step_up": step_up, "code": code}}
    data = lin.ask("POST", f"/api/v1/data-requests/{asked['id']}/file", 200, json=proof).content
    copy = zipfile.ZipFile(io.BytesIO(data)).read("data/statement_lines.json").decode()
    assert SHOP in json.dumps(json.loads(copy), ensure_ascii=False)


def draw_a_key(lin: Lin) -> None:
    with database.transaction() as db:
        session = str(lin.planted.values["second session"])
        who = sessions.admit(db, session, now=clock.now())
        wall.enter(db, party=lin.id, person=lin.id)
        key = clients.make_personal(db, who, label="mine", scopes=["bills.read"], now=clock.now())
    lin.planted.values["key of a program"] = key.split("_", 2)[
        2
    ]  # anh_<id>_<secret>, and the secret may hold the sign itself
    stranger = door()
    said = stranger.get("/api/v1/imports", headers={"authorization": f"Bearer {key}"})
    assert said.status_code == 200, said.text[:300]


def others_look(lin: Lin, engine: Engine) -> None:
    """An operator looks at the person, masked; a stranger and another person ask for what is not theirs."""
    operator, stranger, other = door(), door(), door()
    operator.headers["cookie"] = sign_in(engine, ids.new_id(), roles=(Role.SUPPORT,))
    other.headers["cookie"] = sign_in(engine, ids.new_id())
    seen = operator.get(f"/desk/people/{lin.id}").text
    said = operator.post(
        f"/desk/people/{lin.id}/look", data={"csrf": hidden(seen, "csrf"), "reason": "来电核对本人信息，工单 20261122"}
    )
    assert said.status_code == 303, said.text[:300]
    shown = operator.get(said.headers["location"])
    assert shown.status_code == 200
    assert "欧**" in shown.text, "the operator's page must show that it is this person"
    lin.answers.append(("the operator's look", shown.content))
    imports = lin.ask("GET", "/api/v1/imports", 200).json()
    for who, asker in (("a stranger", stranger), ("another person", other)):
        for path in (f"/api/v1/imports/{imports[0]['id']}/lines", "/api/v1/imports", f"/desk/people/{lin.id}"):
            lin.answers.append((f"answer to {who}", asker.get(path).content))


def a_command_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line meets a fault and keeps its trace in a file."""
    monkeypatch.setattr(commands, "transaction", stumble)
    monkeypatch.setattr(command_line, "_leave_database", lambda: None)
    with pytest.raises(SystemExit) as ended:
        command_line.main(["bills", "history"])
    assert ended.value.code == command_line.FAULT_EXIT


def search_everything(lin: Lin, server: postgres.Access, engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """Put together all the places where something might lie open."""
    said = capsys.readouterr()
    places = lin.planted.places
    places["the log"] = (said.err + said.out).encode()
    assert b"Error" in places["the log"], "the faults must have been logged"
    places |= {f"table {name}": content for name, content in dump(server, str(engine.url.database)).items()}
    assert len(places["table public.statement_lines"].splitlines()) >= 8
    for n, (name, content) in enumerate(lin.answers):
        places[f"{name} ({n})"] = content
    home = Path(os.environ["ANHUAN_HOME"])
    for file in home.rglob("*"):
        if file.is_file() and not file.is_symlink():
            places[f"file {file.relative_to(home)}"] = file.read_bytes()
    assert any("faults.log" in name for name in places)
    folder = Path(engine_folder(server))
    places["the server's log"] = (folder / "server.log").read_bytes()
    assert b"ERROR" in places["the server's log"], "the database must have told of the fault"


def engine_folder(server: postgres.Access) -> str:
    with psycopg.connect(server.owner) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        return str(row[0])


@pytest.fixture
def log_kept() -> Iterator[None]:
    """The log is set up in the test, and afterwards as it was."""
    before = structlog.get_config()
    terminal.log_to_stderr(verbose=True)
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("log_kept")
@pytest.mark.timeout(400)  # a whole story, then every byte that is left
def test_nothing_that_was_planted_lies_open_anywhere(
    own_database: Engine, server: postgres.Access, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.log_to_stderr(verbose=True)  # to the stderr that is captured now
    planted = Planted()
    lin = join(planted)
    sign_in_again(lin)
    take_in(lin, monkeypatch)
    draw_a_key(lin)
    take_a_copy(lin)
    others_look(lin, own_database)
    a_command_fails(monkeypatch)
    search_everything(lin, server, own_database, capsys)
    assert planted.found() == set()
    control(own_database, server, planted, lin)


def control(engine: Engine, server: postgres.Access, planted: Planted, lin: Lin) -> None:
    """The search finds what does lie open: a text in a column that is not sealed, an amount, bytes in hex."""
    with engine.begin() as connection:
        wall_open = "SELECT set_config('anhuan.party', %s, true)"
        connection.exec_driver_sql(wall_open, (str(lin.id),))
        connection.exec_driver_sql("UPDATE statement_files SET template = %s, size = %s", (CONTROL, 918273645))
        connection.exec_driver_sql(
            "UPDATE statement_files SET content_key = %s WHERE position = 0", (CONTROL.encode(),)
        )
    planted.values = {"text": CONTROL, "amount": 918273645}
    planted.places = dump(server, str(engine.url.database))
    assert planted.found() == {("text", "public.statement_files"), ("amount", "public.statement_files")}


@pytest.mark.parametrize("shown", [
    SHOP.encode(), SHOP.encode("utf-16-le"), SHOP.encode("gb18030"), quote(SHOP).encode(), SHOP.encode().hex().encode(),
    json.dumps(SHOP).encode(), base64.b64encode(b"ab" + SHOP.encode() + b"c"), b"7654321", b"76543.21", b"x 76,543.21,",
    base64.urlsafe_b64encode(b"a7654321"), (7654321).to_bytes(8, "big").hex().encode(),
])  # fmt: skip
def test_the_search_knows_every_shape(shown: bytes) -> None:
    planted = Planted({"shop": SHOP, "amount": FEN}, {"somewhere": b"\x01 " + shown + b" \x02"})
    assert len(planted.found()) == 1


def test_the_search_takes_no_number_within_a_longer_one() -> None:
    assert not Planted({"amount": FEN}, {"somewhere": b"17654321 7654321a 0.7654321"}).found()
