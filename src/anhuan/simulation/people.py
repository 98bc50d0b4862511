"""The townspeople: they sign in, hand in their bills, tap, tap again when no answer comes, and pay by hand.

What people do goes through the doors that people have: the pages of the real web server, with the forms as they stand
on them. Only the cookie is given to them: the town signs its households in as a demonstration does.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from anhuan import cards, identity, planning
from anhuan.channels import simbank_http
from anhuan.channels.model import Answer, Instruction, Rejected, Settled, Why
from anhuan.identity import agreeing, consent, purposes, sessions
from anhuan.identity.consent_words import Duty, Purpose
from anhuan.kit import clock, db, fetch, ids, jobs, terms
from anhuan.kit.actors import Actor, ActorKind, Strength
from anhuan.repayments import bindings
from anhuan.simulation import forms
from anhuan.simulation.bank import Hand
from anhuan.simulation.model import Card, Diary, Fate, Household, Stuck, Tap, Way

COOKIE: Final = "__Host-anhuan"
PATIENCE: Final = 90.0  # seconds in which a killed house comes back
PAUSE: Final = 0.2
SECONDS: Final = 20.0
CHANNEL: Final = "simbank"
BY_HAND: Final = "bank_app"
WORKER: Final = Actor(ActorKind.WORKER)
T = TypeVar("T")

log = structlog.get_logger(__name__)


class NoAnswer(Exception):
    """The house did not answer: nobody knows what became of the request."""


@dataclass(slots=True)
class Browser:
    """One browser of one household, signed in; the cookie changes after a proof, as cookies do."""

    web: str
    house: Household
    token: str

    def get(self, path: str) -> fetch.Answer:
        """Look at a page."""
        return self.call("GET", path)

    def post(self, path: str, body: bytes, kind: str = "application/x-www-form-urlencoded") -> fetch.Answer:
        """Send a form as htmx sends it."""
        return self.call("POST", path, body, {"content-type": kind, "hx-request": "true"})

    def call(
        self, method: str, path: str, body: bytes | None = None, more: dict[str, str] | None = None
    ) -> fetch.Answer:
        """One request; raises `NoAnswer` where none came back whole, or where the house itself is in trouble."""
        head = {"cookie": f"{COOKIE}={self.token}", "sec-fetch-site": "same-origin",
                "x-forwarded-for": self.house.address, **(more or {})}  # fmt: skip
        try:
            answer = fetch.fetch_here(self.web + path, method=method, body=body, headers=head, seconds=SECONDS)
        except fetch.NoAnswer as error:
            raise NoAnswer(str(error)) from error
        if answer.status >= 500:
            raise NoAnswer(f"HTTP {answer.status}")
        given = answer.headers.get("set-cookie", "")
        if given.startswith(COOKIE + "="):
            self.token = given.partition("=")[2].partition(";")[0]
        return answer


@dataclass(slots=True)
class People:
    """All townspeople, who share one street and one diary."""

    web: str
    hand: Hand
    diary: Diary
    tend: Callable[[], None]
    own_bank: simbank_http.SimulatedBank  # how the town looks at statements
    app: "App"  # the banks' own app, in which people pay by hand
    lock: threading.Lock = field(default_factory=threading.Lock)

    # --- who lives here ---

    def move_in(self, house: Household) -> None:
        """Enter a household: the person, what it agreed to, its paying account, known to the bank and to us."""
        self.hand.open_account(house.funding, house.name, house.opening)
        for card in house.cards:
            self.hand.issue(card.number, card.bank, house.name, card.statement_day)

        def enter() -> UUID:
            now = clock.now()
            with db.transaction() as session:
                party = sessions.add_person(session, now=now, person_id=house.party, name=house.name)
            with db.transaction() as session:
                agreeing.invented(session, [(party, party)], now=now)
                who = Actor(ActorKind.COMMAND, person_id=party, party_id=party, demo=True)
                consent.give(session, party, Purpose.BILL_READING, actor=who, now=now)
            return party

        house.party = patiently(enter, self.tend)
        house.source = self.acting(house, lambda session, who: self._account(session, house, who))

    def browser(self, house: Household) -> Browser:
        """Sign a household in."""

        def begin() -> str:
            assert house.party is not None
            now = clock.now()
            with jobs.transaction() as session:
                purposes.open_for(session, house.party, Duty.OWN_REQUEST, actor=WORKER, now=now)
                return identity.open_session(session, house.party, strength=Strength.DEMO, now=now, device="小镇")

        return Browser(self.web, house, patiently(begin, self.tend))

    def acting(self, house: Household, work: "Callable[[Any, Actor], T]") -> T:
        """Do something as this household where there is no page for it, in a transaction of its own session."""
        token = self.browser(house).token

        def act() -> T:
            with db.transaction() as session:
                who = sessions.admit(session, token, now=clock.now())
                return work(session, who)

        return patiently(act, self.tend)

    # --- bills ---

    def bring_bill(self, house: Household, card: Card, on: date) -> str:
        """Fetch a bill from the bank and hand it in over the web; tells what became of it."""
        paper = patiently(lambda: self._paper(card, on), self.tend)
        if paper is None:
            return "none"
        for _ in tries():
            try:
                said = self._hand_in(self.browser(house), f"{card.bank}-{on}.html", paper)
            except NoAnswer:
                self._lost()
                continue
            if said in ("new", "same"):
                self._bind(house)
            return said
        raise Stuck(f"a bill of household {house.number} cannot be handed in")

    def _paper(self, card: Card, on: date) -> bytes | None:
        if on not in self.own_bank.bill_days(card.number):
            return None
        return self.own_bank.bill(card.number, on, "html")

    def _hand_in(self, browser: Browser, name: str, paper: bytes) -> str:
        edge = f"town{ids.new_id().hex}"
        body = (
            f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
            "Content-Type: text/html\r\n\r\n"
        ).encode() + paper + f"\r\n--{edge}--\r\n".encode()  # fmt: skip
        answer = browser.post("/api/v1/imports/preview", body, f"multipart/form-data; boundary={edge}")
        if answer.status != 201:
            return f"refused {answer.status}"
        made = json.loads(answer.body)
        if made["files"][0]["effect"] not in ("new", "known"):
            return "unreadable"
        answer = browser.post(f"/api/v1/imports/{made['id']}/commit", b"", "application/json")
        if answer.status != 200:
            raise NoAnswer(f"HTTP {answer.status}")  # the books moved on meanwhile: look again
        return "new" if made["files"][0]["effect"] == "new" else "same"

    def _account(self, session: Any, house: Household, who: Actor) -> UUID:
        assert house.party is not None
        now = clock.now()
        account = cards.set_account(session, house.party, "sim_a", house.funding[-4:], label="工资卡")
        known = 0 if house.opening < house.income else house.opening
        if known:
            cards.record_balance(session, house.party, account.account_id, known, balance_on=clock.today())
        if house.way is Way.PLANNER:
            for channel in terms.channel_ids():  # nobody here walks to a counter for a plan
                planning.set_channel(session, house.party, channel, chosen=channel == CHANNEL)
            planning.set_flow(
                session, house.party, account.account_id, house.income, label="工资", day_of_month=house.payday
            )
        bindings.bind(
            session, who, house.party, bindings.Kind.SOURCE, account.account_id, CHANNEL, ref=house.funding,
            name=house.name, how=bindings.Proved.DEMONSTRATION, now=now,
        )  # fmt: skip
        return account.account_id

    def _bind(self, house: Household) -> None:
        """Name the billed accounts to the channel as their bills come in; once for each."""
        if len(house.accounts) == len(house.cards):
            return

        def bind(session: Any, who: Actor) -> None:
            assert house.party is not None
            for face in cards.accounts(session, house.party):
                tails = {one.last_digits for one in face.cards}
                for card in house.cards:
                    if card.bank != face.bank or card.last_digits not in tails or card.number in house.accounts:
                        continue
                    if bindings.find(session, house.party, bindings.Kind.CARD, face.account_id, CHANNEL) is None:
                        bindings.bind(
                            session, who, house.party, bindings.Kind.CARD, face.account_id, CHANNEL, ref=card.number,
                            name=house.name, how=bindings.Proved.DEMONSTRATION, now=clock.now(),
                        )  # fmt: skip
                    house.accounts[card.number] = face.account_id

        self.acting(house, bind)

    def check_bindings(self, house: Household) -> None:
        """Prove again what is in doubt since a payment came back: number and name stand on the card."""

        def check(session: Any, who: Actor) -> None:
            assert house.party is not None
            for one in bindings.of(session, house.party):
                if one.doubtful:
                    bindings.bind(
                        session, who, house.party, one.kind, one.subject_id, one.channel, ref=one.ref, name=one.name,
                        how=bindings.Proved.DEMONSTRATION, now=clock.now(),
                    )  # fmt: skip

        self.acting(house, check)

    # --- paying ---

    def tap(self, house: Household, account: UUID, *, twice: bool = False, **wish: str) -> Tap:
        """Pay one bill over the pages; `twice`: with nervous fingers. A tap without an answer is sent again."""
        assert house.party is not None
        tap = Tap(ids.new_id(), house.party, account, None, clock.now())
        asked = "&".join(
            f"{name}={value}" for name, value in {"source": str(house.source), "channel": CHANNEL, **wish}.items()
        )
        for _ in tries():
            try:
                self._tapped(tap, self.browser(house), f"/repay/{account}?{asked}", twice=twice)
                break
            except NoAnswer as error:
                self._lost()
                tap.why = str(error)
        with self.lock:
            self.diary.taps.append(tap)
            if tap.fate is Fate.REFUSED:
                self.diary.skipped[tap.why] += 1
        return tap

    def _tapped(self, tap: Tap, browser: Browser, sheet: str, *, twice: bool) -> None:
        """From the sheet to the answer; what the first sheet said is sent again as it was, under its key."""
        shown = browser.get(sheet)
        form = forms.form_to(shown.body, "/repay", having="key")
        if shown.status != 200 or form is None:
            if tap.sent == 0:
                tap.fate, tap.why = Fate.REFUSED, f"no sheet {shown.status}"
                return
            raise NoAnswer(f"no sheet {shown.status}")
        if tap.sent == 0:
            tap.key, tap.form = UUID(form.value("key")), form
        answer = self._sent(tap, browser, form.value("csrf"))
        again = forms.form_to(answer.body, "/repay", having="seen")
        if answer.status == 422 and again is not None and again.value("key") == str(tap.key):
            tap.form = again  # the figures moved meanwhile: people look at them and confirm those
            answer = self._sent(tap, browser, again.value("csrf"))
        proof = forms.form_to(answer.body, "/repay", having="step_up")
        answers: Sequence[fetch.Answer] = [answer]
        if proof is not None:
            tap.sent += 1 + twice
            answers = self._at_once(browser, proof.filled()) if twice else [browser.post("/repay", proof.filled())]
        for one in answers:
            self._heard(tap, one)
        if tap.fate is Fate.UNKNOWN:
            raise NoAnswer("no answer that tells")

    @staticmethod
    def _sent(tap: Tap, browser: Browser, csrf: str) -> fetch.Answer:
        tap.sent += 1
        assert tap.form is not None
        tap.form.tick("read")  # what paying less than the whole bill costs
        return browser.post("/repay", tap.form.filled(act="pay", csrf=csrf))

    def _at_once(self, browser: Browser, body: bytes) -> Sequence[fetch.Answer]:
        """The same form twice at the same moment, from one browser; what is not answered is left out."""

        def send(_: int) -> fetch.Answer | None:
            try:
                return Browser(browser.web, browser.house, browser.token).post("/repay", body)
            except NoAnswer:
                self._lost()
                return None

        with self.lock:
            self.diary.doubled += 1
        with ThreadPoolExecutor(2) as both:
            return [answer for answer in both.map(send, range(2)) if answer is not None]

    @staticmethod
    def _heard(tap: Tap, answer: fetch.Answer) -> None:
        """What one answer says about a tap; a yes stands, whatever else was heard."""
        leads = answer.headers.get("hx-redirect", "")
        if leads.startswith("/repay/group/"):
            tap.fate = Fate.TAKEN
            tap.groups.add(leads.removeprefix("/repay/group/").partition("?")[0])
        elif tap.fate is Fate.UNKNOWN and answer.status in (409, 422):
            tap.fate, tap.why = Fate.REFUSED, f"{answer.status} {_reason(answer.body)}"

    def pay_in_app(self, house: Household, card: Card, amount: int) -> bool:
        """Pay in the bank's own app, past us; tells whether the bank took it."""
        return self.app.pay(house.funding, card.number, house.name, amount)

    def submit(self, house: Household, page: str, action: str, *, having: str = "csrf", **changes: str) -> str:
        """Fill in and send one form of a page, with the tap that proves it where one is asked; where it leads or ""."""
        for _ in tries():
            try:
                browser = self.browser(house)
                shown = browser.get(page)
                form = forms.form_to(shown.body, action, having=having)
                if shown.status != 200 or form is None:
                    return ""
                answer = browser.post(action, form.filled(**changes))
                proof = forms.form_to(answer.body, action, having="step_up")
                if proof is not None:
                    answer = browser.post(action, proof.filled())
                return answer.headers.get("hx-redirect", "")
            except NoAnswer:
                self._lost()
        return ""

    def _lost(self) -> None:
        with self.lock:
            self.diary.lost += 1
        self.tend()


class App:
    """The banks' own app: another partner of the simulated bank, with a key of its own."""

    def __init__(self, bank: simbank_http.SimulatedBank) -> None:
        self._bank = bank

    def pay(self, funding: str, card: str, name: str, amount: int) -> bool:
        """One payment outside of us; tells whether the bank took it, or said that it will: nobody waits for days."""
        key, until = ids.new_id(), clock.now() + timedelta(days=1)
        said = {"key": str(key), "amount": amount, "currency": "CNY", "funding": funding, "card": card, "name": name,
                "expires_at": until.isoformat()}  # fmt: skip
        for _ in tries():
            answer = self.send(key, json.dumps(said).encode(), amount)
            if isinstance(answer, Settled | Rejected):
                return isinstance(answer, Settled)
            if answer.why in (Why.ACCEPTED, Why.PROCESSING):
                return True
        return False

    def send(self, key: UUID, body: bytes, amount: int) -> Answer:
        """These bytes under this key; raises `OtherBody` where the bank knows the key with others."""
        now = clock.now()
        return self._bank.pay(
            Instruction(key, key, 1, 1, CHANNEL, "", "", amount, "CNY", now + timedelta(days=1), body, now)
        )  # fmt: skip


def tries() -> Iterator[int]:
    """As often as patience lasts, with a pause between two of them."""
    until, number = time.monotonic() + PATIENCE, 0
    while number == 0 or time.monotonic() < until:
        yield number
        number += 1
        time.sleep(PAUSE)


def patiently(work: Callable[[], T], tend: Callable[[], None]) -> T:
    """Do something that may be done twice until it is done: databases and banks of the town are killed now and then."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return work()
        except (DBAPIError, fetch.NoAnswer) as error:
            if time.monotonic() > until:
                raise
            log.info("once more", why=type(error).__name__)
            tend()
            time.sleep(0.1)


def _reason(page: bytes) -> str:
    """What a page says went wrong, short, for the diary."""
    text = page.decode("utf-8", "replace")
    found = " ".join(re.findall(r'role="alert"[^>]*>(.*?)</p', text, re.DOTALL))
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())[:200]
