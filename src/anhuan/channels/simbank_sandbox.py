"""The sandbox of the simulated bank, for the conformance kit: its clock and its switches, over the control interface.

It belongs to practice alone: the control token of a running `anhuan simbank` is its key, and nothing real has one.
"""

import base64
import json
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from anhuan.channels import simbank_http
from anhuan.channels.conformance_model import Call, Order, Proof, Truth, Unreached
from anhuan.channels.model import Connector, Witness
from anhuan.kit import fetch, settings

BANK: Final = "sim_a"
PARTNER: Final = "conformance"
PAYER: Final = "conformance-payer-"
SEED: Final = 20260302
AMOUNT: Final = 50_000  # fen
BALANCE: Final = 10_000_000  # fen on each payer's account
MONDAY: Final = datetime.fromisoformat("2026-03-02T10:00:00+08:00")
# Where the bank's clock must stand for a scenario to have its meaning (UTC+8); the rest begin on MONDAY.
_STARTS: Final[Mapping[tuple[int, str], str]] = {
    (4, ""): "2026-03-02T16:30:00+08:00",  # after the cut-off of a Monday
    (5, ""): "2026-02-17T10:00:00+08:00",  # Spring Festival
    (6, ""): "2026-02-14T10:00:00+08:00",  # a Saturday that pays for the festival
    (6, "unknown_year"): "2026-02-14T10:00:00+08:00",
    (29, "last_second"): "2026-03-02T23:59:59+08:00",
    (29, "first_second"): "2026-03-03T00:00:00+08:00",
}
_AMOUNTS: Final = {19: 3_000_000}  # within our record, above what the bank's limit was lowered to
_PARAMS: Final[Mapping[tuple[int, str], dict[str, Any]]] = {
    (6, "unknown_year"): {"unknown_years": [2026]},
}
_HOW: Final = (7, 8, 9, 27)  # scenarios whose way is a parameter


@dataclass(frozen=True, slots=True)
class Person:
    """Who pays for whom in the sandbox."""

    funding: str
    card: str
    name: str


class SimbankSandbox:
    """A running simulated bank with its hands: `close` it in the end."""

    def __init__(
        self, url: str, token: str, *, seconds: float = 1.0, witness: Witness = lambda seen: None,
        final_codes: Callable[[date], frozenset[str]] | None = None,
    ) -> None:  # fmt: skip
        self._url, self._token, self._people, self._now = url, token, 0, MONDAY
        self._heard: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._ear = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Ear, self._heard))
        self._thread = threading.Thread(target=self._ear.serve_forever, daemon=True)
        self._thread.start()
        own, told = Ed25519PrivateKey.generate(), self.control("GET", "/sim/key")
        theirs = Ed25519PublicKey.from_public_bytes(base64.b64decode(told["public"]))
        public = base64.b64encode(own.public_key().public_bytes_raw()).decode()
        self.control("PUT", f"/sim/partners/{PARTNER}", {"public": public})
        self.bank = simbank_http.SimulatedBank(
            url, simbank_http.Keys(PARTNER, own, {told["key_id"]: theirs}), witness=witness,
            callback_path=simbank_http.callback_path(simbank_http.NAME), seconds=lambda on: seconds,
            slow_ms=lambda on: int(seconds * 500), now=self.now,
            final_codes=final_codes or simbank_http.usual_final_codes,
        )  # fmt: skip
        self.connector: Connector = self.bank

    def close(self) -> None:
        """Stop listening."""
        self._ear.shutdown()
        self._ear.server_close()
        self._thread.join()

    # --- what the kit asks for ---

    def arrange(self, number: int, how: str = "") -> Order:
        """A bank that begins again, one person, one card with the mark of the scenario."""
        if how == "next_year":
            self.move(self.now() + timedelta(days=366))
        elif how != "more":
            self.reset(datetime.fromisoformat(_STARTS[number, how]) if (number, how) in _STARTS else MONDAY)
        someone = self.someone()
        params: dict[str, Any] = dict(_PARAMS.get((number, how), {}))
        if how and number in _HOW:
            params["how"] = how
        if how != "more" or number == 30:
            self.control("PUT", f"/sim/cards/{someone.card}/scenario", {"numbers": [number], "params": params})
        return Order(BANK, someone.funding, someone.card, someone.name, _AMOUNTS.get(number, AMOUNT))

    def now(self) -> datetime:
        """The bank's clock, held in hand."""
        return self._now

    def move(self, until: datetime) -> None:
        """Move it; everything due on the way happens, and callbacks come in."""
        if until > self._now:
            self.control("PUT", "/sim/clock", {"now": until.isoformat()})
            self._now = until

    def truth(self, key: UUID) -> Truth:
        """What the bank's own books say."""
        said = self.control("GET", f"/sim/payments/{key}")
        booked = (said["payment"] or {}).get("booked_on")
        return Truth(said["debits"], said["credits"], said["given_back"], booked and date.fromisoformat(booked))

    def spent(self, order: Order) -> int:
        """What is missing from the payer's account."""
        accounts = self.control("GET", "/sim/books")["accounts"]
        left: int = next(one["balance"] for one in accounts if one["name"] == f"client:{order.funding_ref}")
        return BALANCE - left

    def calls(self) -> Sequence[Call]:
        """What came in, after the bank has sent what is due."""
        self.control("POST", "/sim/callbacks/flush")
        found = []
        while not self._heard.empty():
            found.append(self._heard.get())
        return found

    def proofs(self, order: Order, key: UUID) -> Sequence[Proof]:
        """Postings on the card about this key."""
        found = self.bank.postings(order.card_ref, since=MONDAY.date() - timedelta(days=60))
        return [Proof(one.kind, one.posted_on, one.amount) for one in found if one.key == key]

    def in_use(self) -> bool:
        """Whether somebody but the kit has an account there; the kit begins the bank anew and would take it away."""
        names = [one["name"] for one in self.control("GET", "/sim/books")["accounts"]]
        return any(name.startswith("client:") and not name.startswith(f"client:{PAYER}") for name in names)

    # --- the hands ---

    def reset(self, now: datetime) -> None:
        """Begin again at this moment, without people."""
        self.control("POST", "/sim/reset", {"seed": SEED, "now": now.isoformat()})
        url = f"http://127.0.0.1:{self._ear.server_address[1]}{simbank_http.callback_path(simbank_http.NAME)}"
        self.control("PUT", "/sim/callbacks", {"url": url})
        self._now = now
        while not self._heard.empty():
            self._heard.get()

    def someone(self, *, balance: int = BALANCE, **card: Any) -> Person:
        """A person with money and a card nobody has used."""
        self._people += 1
        made = Person(f"{PAYER}{self._people}", f"card-{self._people:06d}", "林晓")
        self.control("POST", "/sim/accounts", {"funding": made.funding, "holder": made.name, "balance": balance})
        self.control("POST", "/sim/cards", {"card": made.card, "bank": BANK, "name": made.name, **card})
        return made

    def control(self, method: str, path: str, said: Any = None) -> Any:
        """Tell the bank something as whoever holds its control token; raises `Unreached` where it does not obey."""
        body, head = None if said is None else json.dumps(said).encode(), {"authorization": f"Bearer {self._token}"}
        answer = fetch.fetch_here(self._url + path, method=method, body=body, headers=head, seconds=60.0)
        if answer.status != 200:
            raise Unreached(f"{method} {path}: {answer.body.decode('utf-8', 'replace')[:200]}")
        return json.loads(answer.body)


def make() -> SimbankSandbox:
    """The sandbox of the bank that this installation runs; raises `Unreached` where none does, or one in use."""
    held = settings.read()
    place = held.home / "simbank" / "control-token"
    if held.simbank_url is None or not place.is_file():
        raise Unreached("start one with `anhuan simbank` and name it in ANHUAN_SIMBANK_URL")
    made = SimbankSandbox(held.simbank_url, place.read_text("utf-8").strip(), seconds=3.0)
    if made.in_use():
        made.close()
        raise Unreached("this bank has people of its own, and the kit begins it anew: start another, with --database")
    return made


class _Ear(BaseHTTPRequestHandler):
    """Takes every callback and says nothing of it."""

    def __init__(self, heard: "queue.SimpleQueue[Call]", *args: Any, **more: Any) -> None:
        self._to = heard
        super().__init__(*args, **more)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self._to.put(Call({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
