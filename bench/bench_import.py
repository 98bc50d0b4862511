"""Import: bill mails and a long CSV from bytes to committed rows, on one core, database (fsync on) included."""

import base64
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from rich.table import Table
from sqlalchemy.orm import Session

from anhuan.kit import clock, db, ids, postgres, wall
from anhuan.statements import service
from anhuan.statements.changes import Upload

SEED = 20261122
PEOPLE, MONTHS, ALONE, ROWS = 3, 96, 16, 100_000
_TICKS = os.sysconf("SC_CLK_TCK")
SHOPS = (
    "地铁",
    "某某超市",
    "财付通-某某餐厅",
    "支付宝-某某书店",
    "某某咖啡",
    "网银在线-某某商城",
    "某某药房",
    "某某影城",
)


def tables() -> Iterator[Table]:
    """Mails a second, and seconds for 100,000 rows: first, again in an overlapping file, previewed, taken back."""
    with tempfile.TemporaryDirectory(prefix="anhuan-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # as root the server runs as another user, who must get in
        server = postgres.Embedded(home)
        access = server.join()
        engine = db.open_engine(access.app)
        before = db.use(engine)
        try:
            db.migrate(access.owner)
            watch = Watch(postmaster(home))
            yield mails(watch)
            yield rows(watch)
        finally:
            db.use(before)
            engine.dispose()
            server.leave()


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds by the wall, and of processors: in this process and in the database's."""

    wall: float
    python: float
    database: float

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.wall + other.wall, self.python + other.python, self.database + other.database)

    def cells(self) -> tuple[str, str, str]:
        """As the tables show them."""
        return f"{self.wall:.2f}", f"{self.python:.2f}", f"{self.database:.2f}"


class Watch:
    """Takes the time of an act: other programs of the machine stretch the wall's seconds, hardly the processors'."""

    def __init__(self, server: int) -> None:
        self.server = server

    def over(self, act: Callable[[], object]) -> Spent:
        """What the act took."""
        wall, python, database = time.perf_counter(), time.process_time(), self.database()
        act()
        return Spent(time.perf_counter() - wall, time.process_time() - python, self.database() - database)

    def database(self) -> float:
        """Processor seconds of the server so far: the postmaster, its children, and those that ended."""
        ticks = 0
        for place in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = place.read_text().rpartition(")")[2].split()  # after the name: state, parent, ...
            except OSError:
                continue  # it has just ended; its parent has its time
            mine = place.parent.name == str(self.server)
            if mine or fields[1] == str(self.server):
                ticks += sum(map(int, fields[11 : 15 if mine else 13]))
        return ticks / _TICKS


def postmaster(home: Path) -> int:
    """The process that the server's other processes belong to."""
    return int(next(home.rglob("postmaster.pid")).read_text().split()[0])


def mails(watch: Watch) -> Table:
    """The bills of some people over eight years, 12 rows each, every bill new."""
    dice = random.Random(SEED)
    people = [[Upload(f"{n:02}.eml", letter(dice, n)) for n in range(MONTHS)] for _ in range(PEOPLE)]
    table = Table(
        "what", "mails", "seconds", "python CPU s", "database CPU s", "mails/s", "mails/s of Python's CPU", "bar",
        title=f"bill mails, read and committed, fsync on (seed {SEED})",
    )  # fmt: skip
    take_in(ids.new_id(), people[0][:1])  # the first mail pays for imports and plans
    for what, size, bar in (("one batch a person", MONTHS, ">= 200"), ("one transaction a mail", 1, "")):
        spent, count = Spent(0, 0, 0), 0
        for letters in people if size > 1 else [people[0][:ALONE]]:
            user = ids.new_id()
            for n in range(0, len(letters), size):
                batch = letters[n : n + size]
                spent += watch.over(lambda user=user, batch=batch: take_in(user, batch))  # type: ignore[misc]
                count += len(batch)
        rates = f"{count / spent.wall:.0f}", f"{count / spent.python:.0f}"
        table.add_row(what, str(count), *spent.cells(), *rates, bar)
    return table


def rows(watch: Watch) -> Table:
    """A wallet's export of 100,000 rows; then the same rows in a longer file, then a preview that is committed."""
    first = export(random.Random(SEED), ROWS, extra=0)
    longer = export(random.Random(SEED), ROWS, extra=1000)
    user, other = ids.new_id(), ids.new_id()
    table = Table(
        "what", "rows", "seconds", "python CPU s", "database CPU s", "bar",
        title=f"CSV rows, read and committed, fsync on (seed {SEED})",
    )  # fmt: skip
    for what, rows_of, act, bar in (
        ("first import", ROWS, lambda: take_in(user, [Upload("a.csv", first)]), "< 5 s"),
        ("overlapping export, 1,000 new", ROWS + 1000, lambda: take_in(user, [Upload("b.csv", longer)]), ""),
        ("preview, then commit", ROWS, lambda: looked_at(other, [Upload("a.csv", first)]), ""),
        ("taken back", ROWS, lambda: taken_back(other), ""),
    ):
        table.add_row(what, f"{rows_of:,}", *watch.over(act).cells(), bar)
    return table


def looked_at(user: UUID, files: list[Upload]) -> None:
    """Preview in one transaction, commit in another, as the pages do."""
    with opened(user) as session:
        shown = service.preview(session, user, files, now=clock.now())
    with opened(user) as session:
        service.commit(session, user, shown.id, now=clock.now())


def taken_back(user: UUID) -> None:
    """The newest import undone."""
    with opened(user) as session:
        service.undo(session, user, service.last_import(session, user), now=clock.now())


def take_in(user: UUID, files: list[Upload]) -> int:
    """One batch in one transaction; how many lines are new."""
    with opened(user) as session:
        return service.take_in(session, user, files, now=clock.now())[1].lines


@contextmanager
def opened(user: UUID) -> Iterator[Session]:
    """A transaction that sees the rows of this person alone, as a request's does."""
    with db.transaction() as session:
        wall.enter(session, party=user)
        yield session


def letter(dice: random.Random, n: int) -> bytes:
    """The bill of 招商银行 of the n-th month, in its layout of 2026, with 12 rows that explain the total."""
    on, tail = date(2018 + n // 12, n % 12 + 1, 8), "3096"
    spent = [
        (on - timedelta(days=dice.randrange(1, 28)), dice.choice(SHOPS), dice.randrange(100, 90_000)) for _ in range(12)
    ]
    total = sum(amount for _, _, amount in spent)
    cells = "".join(
        f"<tr><td>{day:%m%d}</td><td>{day:%m%d}</td><td>{shop}</td><td>￥{amount / 100:.2f}</td><td>{tail}</td>"
        f"<td>CN</td><td>{amount / 100:.2f}</td></tr>"
        for day, shop, amount in spent
    )
    body = (
        "<html><body><table><tr><td>尊敬的张三先生：</td></tr></table><table><tr>"
        f"<td>{on - timedelta(days=29):%Y/%m/%d}-{on:%Y/%m/%d}</td><td>￥ 35,000.00</td><td>￥ {total / 100:,.2f}</td>"
        f"<td>￥ {total / 2000:,.2f}</td><td>{on + timedelta(days=18):%Y/%m/%d}</td></tr></table><table><tr>"
        "<td>交易日</td><td>记账日</td><td>交易摘要</td><td>人民币金额</td><td>卡号末四位</td><td>交易地</td><td>交易地金额</td></tr>"
        f"<tr><td>消费</td></tr>{cells}</table></body></html>"
    )
    subject = base64.b64encode("招商银行信用卡电子账单".encode()).decode()
    return (
        f"From: <ccsvc@message.cmbchina.com>\r\nTo: zhangsan@example.com\r\nSubject: =?utf-8?B?{subject}?=\r\n"
        f"Date: {on:%a, %d %b %Y} 06:00:00 +0800\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=gbk\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode() + base64.encodebytes(body.encode("gb18030"))


def export(dice: random.Random, count: int, *, extra: int) -> bytes:
    """An export of 支付宝 in its layout, newest row first, gb18030; `extra` rows come on top of the same `count`."""
    day = date(2026, 10, 31)
    body = []
    for n in range(count):
        on = day - timedelta(days=n // 120)
        shop, amount = dice.choice(SHOPS), dice.randrange(100, 200_000)
        body.append(row(on, n, shop, amount))
    newer = [
        row(day + timedelta(days=1), count + n, dice.choice(SHOPS), dice.randrange(100, 9_000)) for n in range(extra)
    ]
    head = (
        "-" * 60 + "\n导出信息：\n姓名：张三\n支付宝账户：zhangsan@example.com\n起始时间：[2024-01-01 00:00:00]    "
        "终止时间：[2026-11-01 23:59:59]\n导出交易类型：[全部]\n\n------支付宝支付科技有限公司  电子客户回单------\n"
        "交易时间,交易分类,交易对方,对方账号,商品说明,收/支,金额,收/付款方式,交易状态,交易订单号,商家订单号,备注,\n"
    )
    return (head + "".join(newer + body)).encode("gb18030")


def row(on: date, n: int, shop: str, amount: int) -> str:
    """One row of the export."""
    at = f"{on} {n % 24:02}:{n % 60:02}:00"
    return (
        f"{at},日用百货,{shop},/,商品{n % 977},支出,{amount / 100:.2f},招商银行信用卡(1234),交易成功,"
        f"{on:%Y%m%d}{n:020}\t,{n}\t,,\n"
    )
