"""From the tap to "sent": people tap on real pages, one worker sends to the simulated bank over HTTP, fsync on.

Bars (issue 5): 100 orders a second sustained from tap to sent, p95 of the tap below 150 ms with 20 people at once;
100,000 mandates due on one day sent within 30 minutes, nearest deadline first. `REPAY_TAPS` and `REPAY_MANDATES` say
how many are measured. Everything shares this machine: database, pages, worker, bank and the people.
"""

import http.client
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final
from uuid import UUID

import psycopg
from rich.table import Table
from tests import bank as practice

from anhuan import cards, identity
from anhuan.cards import BillFacts
from anhuan.channels import simbank_keys
from anhuan.identity import agreeing, demonstration, sessions, stepup
from anhuan.kit import clock, db, ids, page, postgres, wall
from anhuan.kit.actors import Actor, ActorKind, Strength
from anhuan.repayments import bindings, journey_autopay, mandates
from anhuan.repayments.mandate_model import Wish
from anhuan.simbank import founding
from anhuan.simulation import forms

TAPS: Final = int(os.environ.get("REPAY_TAPS", "600"))
MANDATES: Final = int(os.environ.get("REPAY_MANDATES", "3000"))
A_DAY: Final = 100_000  # mandates that may be due on one day
WITHIN: Final = 30 * 60  # seconds for all of them
LANES: Final = 2  # of the books, so that batches are as full as those of 100,000 are in every lane
PEOPLE: Final = 20  # at once
ROUND: Final = 100  # pages opened before they are tapped: a step-up waits for its tap a few minutes only
NAME: Final = "林晓"  # of everybody
PORT: Final = 18_231
CHANNEL: Final = "simbank"


@dataclass(slots=True)
class House:
    """The running house: its bank, and the environment of its processes."""

    bank: practice.SimBank
    env: dict[str, str]
    owner: str


@dataclass(slots=True)
class Waiting:
    """A person with the page of the last step open."""

    cookie: str
    body: bytes


def tables() -> Iterator[Table]:
    """The tap, then a day of autopay."""
    with house() as running:
        yield _taps(running)
    with house() as running:
        yield _autopay(running)


@contextmanager
def house() -> Iterator[House]:
    """A demonstration of its own with the simulated bank beside it, clocks running."""
    with tempfile.TemporaryDirectory(prefix="anhuan-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # as root the server runs as another user, who must get in
        before = {name: os.environ.get(name) for name in ("ANHUAN_HOME", "ANHUAN_SIMBANK_URL", "ANHUAN_PORT")}
        os.environ |= {"ANHUAN_HOME": folder, "ANHUAN_PORT": str(PORT)}
        try:
            db.migrate()
            access = db.access()
            with db.transaction() as session:
                demonstration.declare(session, demonstration.DEMONSTRATION, now=clock.now())
            with _bank(access, home) as bank:
                os.environ["ANHUAN_SIMBANK_URL"] = bank.url
                yield House(bank, dict(os.environ), access.owner)
        finally:
            db.close()
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


@contextmanager
def _bank(access: postgres.Access, home: Path) -> Iterator[practice.SimBank]:
    bank = practice.start(founding.make(access.owner, "only-a-bench", "anhuan_simbank"), options=["--real-time"])
    try:
        (home / "simbank").mkdir(exist_ok=True)
        (home / "simbank" / "control-token").write_text(bank.token)
        simbank_keys.enrol(bank.url)
        yield bank
    finally:
        bank.process.terminate()
        bank.process.wait(timeout=30)


def person(
    bank: practice.SimBank, session: Any, number: int, *, due_on: date, lanes: int = 256
) -> tuple[UUID, UUID, UUID]:  # fmt: skip
    """A person with money and a billed card, here and at the bank, both bound: (person, billed account, own account).

    Nobody shares a card: what the bank shows of one is looked through for each payment to it.
    """
    now, party, today = clock.now(), ids.new_id(), clock.today()
    party = UUID(int=party.int - party.int % 256 + party.int % lanes)  # the last byte says the lane of the books
    identity.add_person(session, now=now, person_id=party)
    wall.enter(session, party=party, person=party)
    own = cards.set_account(session, party, "icbc", f"{1000 + number % 9000}")
    cards.record_balance(session, party, own.account_id, 10**8, balance_on=today)
    facts = BillFacts("sim_a", "CNY", 100_000 + number % 1000, 10_000, today - timedelta(days=5), due_on, ("6214",))
    bill = cards.record_bill(session, party, facts, now=now)
    me = Actor(ActorKind.COMMAND, person_id=party, party_id=party)
    funding, card = f"debit-{party.hex}", f"card-{party.hex}"
    bank.control("POST", "/sim/accounts", {"funding": funding, "holder": NAME, "balance": 10**8})
    bank.control("POST", "/sim/cards", {"card": card, "bank": "sim_a", "name": NAME, "statement_day": 5})
    for kind, subject, ref in (
        (bindings.Kind.SOURCE, own.account_id, funding), (bindings.Kind.CARD, bill.account_id, card),
    ):  # fmt: skip
        bindings.bind(session, me, party, kind, subject, CHANNEL, ref=ref, name=NAME,
                      how=bindings.Proved.DEMONSTRATION, now=now)  # fmt: skip
    return party, bill.account_id, own.account_id


def _taps(running: House) -> Table:
    web = _start(running, "-c", f"from anhuan.cli import serve; serve.run(serve.loopback({PORT}), serve.DEMONSTRATION)")
    worker = _start(running, "-m", "anhuan.cli", "work")
    try:
        _await_door()
        took, seconds, until_sent = list[float](), 0.0, 0.0
        for first in range(0, TAPS, ROUND):
            ready = _opened(running.bank, first, min(ROUND, TAPS - first))
            began = time.perf_counter()
            took += _tapped(ready)
            seconds += time.perf_counter() - began
            assert _sent(running, len(took)) >= len(took)
            until_sent += time.perf_counter() - began
    finally:
        for process in (web, worker):
            process.terminate()
            process.wait(timeout=40)
    table = Table("taps", "seen", "bar", title="from the tap to sent", title_justify="left")
    table.add_row(f"taps a second, {PEOPLE} people at once", f"{len(took) / seconds:.1f}", "")
    table.add_row("orders a second from tap to sent", f"{len(took) / until_sent:.1f}", "100")
    table.add_row("tap p50 ms", f"{statistics.median(took) * 1000:.0f}", "")
    table.add_row("tap p95 ms", f"{sorted(took)[int(len(took) * 0.95)] * 1000:.0f}", "150")
    return table


def _autopay(running: House) -> Table:
    """Mandates due at one moment with deadlines in disorder, one worker; the rate, and who overtook whom."""
    dice, today = random.Random(20261122), clock.today()
    for number in range(MANDATES):
        with db.transaction() as session:
            party, account, own = person(
                running.bank, session, number, due_on=today + timedelta(days=7 * dice.randrange(1, 5)), lanes=LANES
            )
            _mandate(session, party, account, own)
    journey_autopay.take_up_bills(since=None, now=clock.now())
    with psycopg.connect(running.owner, autocommit=True) as owner:
        made = owner.execute(
            "UPDATE mandate_runs SET stage = 'noticed', noticed_at = now(), pay_at = now(), next_at = now()"
        ).rowcount
        assert made == MANDATES, f"{made} runs for {MANDATES} mandates"
        owner.execute("ANALYZE")
        worker = _start(running, "-m", "anhuan.cli", "work")
        try:
            first, seconds = _drained(owner, made)
        finally:
            worker.terminate()
            worker.wait(timeout=60)
        overtaken = owner.execute(_OVERTAKEN).fetchone()
    assert overtaken is not None
    rate = (made - first) / seconds
    table = Table("autopay", "seen", "bar", title=f"{made:,} mandates due at once", title_justify="left")
    table.add_row("sent a second, after the first batch", f"{rate:.1f}", f"{A_DAY / WITHIN:.1f}")
    table.add_row("minutes for 100,000 at this rate", f"{A_DAY / rate / 60:.0f}", "30")
    table.add_row(
        "went out after one whose deadline is a day later", f"{overtaken[0]}", "0 but for the batches at work"
    )
    return table


# How many went out more than two batches (of each of two jobs) after one whose deadline lies a day later.
_OVERTAKEN: Final = """
    WITH sent AS (
        SELECT i.sent_at, r.deadline_at, row_number() OVER (ORDER BY i.sent_at) AS place,
               row_number() OVER (ORDER BY r.deadline_at) AS right_place
        FROM mandate_runs r JOIN repay_orders o ON o.user_id = r.user_id AND o.id = r.order_id
        JOIN channel_instructions i ON i.user_id = o.user_id AND i.key = o.key)
    SELECT count(*) FROM sent a WHERE EXISTS (
        SELECT FROM sent b WHERE b.sent_at < a.sent_at AND b.deadline_at > a.deadline_at + interval '1 day')"""


def _mandate(session: Any, party: UUID, account: UUID, own: UUID) -> None:
    """A mandate as the page of a demonstration gives it."""
    now = clock.now()
    token = identity.open_session(session, party, strength=Strength.DEMO, now=now)
    who = sessions.admit(session, token, now=now)
    wish = Wish(account, own, cap=10_000_000, channel=CHANNEL)
    act = mandates.act_of(session, party, wish, now=now)
    asked = stepup.begin(session, who, act, shown="", now=now)
    mandates.give(session, who, wish, answer=stepup.Answer(asked.id), now=now)


def _drained(owner: psycopg.Connection, count: int) -> tuple[int, float]:
    """Wait until all went out: how many when the clock began, and the seconds from then on."""
    first, began, seen, until = 0, 0.0, 0, time.monotonic() + 1800
    while seen < count and time.monotonic() < until:
        time.sleep(0.2)
        row = owner.execute("SELECT count(*) FROM channel_instructions WHERE sent_at IS NOT NULL").fetchone()
        seen = row[0] if row else 0
        if seen and not began:
            first, began = seen, time.perf_counter()
    assert seen == count, f"{seen} of {count} went out"
    return first, max(time.perf_counter() - began, 0.001)


def _opened(bank: practice.SimBank, first: int, count: int) -> list[Waiting]:
    """So many people, each with the page open on which one more tap pays."""
    today, found = clock.today(), []
    for number in range(first, first + count):
        with db.transaction() as session:
            party, account, own = person(bank, session, number, due_on=today + timedelta(days=15))
            token = identity.open_session(session, party, strength=Strength.DEMO, now=clock.now())
            agreeing.invented(session, [(party, party)], now=clock.now())
        found.append((f"{page.SESSION_COOKIE}={token}", account, own))
    waiting: list[Waiting] = []
    todo: SimpleQueue[tuple[str, UUID, UUID]] = SimpleQueue()
    for one in found:
        todo.put(one)

    def open_pages() -> None:
        line = http.client.HTTPConnection("localhost", PORT, timeout=60)
        while True:
            try:
                cookie, account, own = todo.get_nowait()
            except Empty:
                return
            sheet = _form(_said(line, "GET", f"/repay/{account}?source={own}&channel={CHANNEL}", cookie))
            asked = _form(_said(line, "POST", "/repay", cookie, sheet.filled(act="pay")))
            waiting.append(Waiting(cookie, asked.filled()))

    _at_once(open_pages)
    assert len(waiting) == count, f"{count - len(waiting)} people did not get to the last step"
    return waiting


def _tapped(ready: Sequence[Waiting]) -> list[float]:
    """The last tap of everybody, twenty at a time; seconds each took."""
    todo: SimpleQueue[Waiting] = SimpleQueue()
    for one in ready:
        todo.put(one)
    took: list[float] = []

    def tap() -> None:
        line = http.client.HTTPConnection("localhost", PORT, timeout=60)
        while True:
            try:
                one = todo.get_nowait()
            except Empty:
                return
            began = time.perf_counter()
            status, _ = _answer(line, "POST", "/repay", one.cookie, one.body)
            took.append(time.perf_counter() - began)
            assert status == 303, status

    _at_once(tap)
    return took


def _at_once(work: Any) -> None:
    threads = [threading.Thread(target=work) for _ in range(PEOPLE)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def _sent(running: House, count: int) -> int:
    """Wait until so many instructions have gone out."""
    until, seen = time.monotonic() + 600, 0
    with psycopg.connect(running.owner, autocommit=True) as owner:
        while seen < count and time.monotonic() < until:
            time.sleep(0.2)
            row = owner.execute("SELECT count(*) FROM channel_instructions WHERE sent_at IS NOT NULL").fetchone()
            seen = row[0] if row else 0
    return seen


def _start(running: House, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *command], env=running.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _await_door() -> None:
    for _ in range(600):
        try:
            _answer(http.client.HTTPConnection("localhost", PORT, timeout=5), "GET", "/sign-in", "")
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the pages did not come up")


def _form(content: str) -> forms.Form:
    found = forms.form_to(content.encode(), "/repay")
    assert found is not None, content[:500]
    return found


def _said(line: http.client.HTTPConnection, method: str, path: str, cookie: str, body: bytes | None = None) -> str:
    status, content = _answer(line, method, path, cookie, body)
    assert status == 200, (status, path, content[:300])
    return content


def _answer(
    line: http.client.HTTPConnection, method: str, path: str, cookie: str, body: bytes | None = None
) -> tuple[int, str]:
    head = {"cookie": cookie, "sec-fetch-site": "same-origin", "host": f"localhost:{PORT}"}
    if body is not None:
        head["content-type"] = "application/x-www-form-urlencoded"
    line.request(method, path, body=body, headers=head)
    got = line.getresponse()
    return got.status, got.read().decode()
