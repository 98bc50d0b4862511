"""The hand on the simulated bank: its clock and its switches, people and cards, and its own books laid open."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import structlog

from anhuan.kit import fetch
from anhuan.simulation.model import Stuck

PATIENCE: Final = 60.0  # seconds in which a killed bank comes back
log = structlog.get_logger(__name__)


class Hand:
    """Whoever holds the bank's control token; a call that meets a dead bank is made again."""

    def __init__(self, url: str, token: str, *, tend: Callable[[], None] = lambda: None) -> None:
        self._url, self._token, self._tend = url, token, tend

    def say(self, method: str, path: str, said: Any = None) -> Any:
        """Tell the bank something until it has heard; every order of the town may be given twice."""
        body, head = None if said is None else json.dumps(said).encode(), {"authorization": f"Bearer {self._token}"}
        until = time.monotonic() + PATIENCE
        while True:
            try:
                answer = fetch.fetch_here(
                    self._url + path, method=method, body=body, headers=head, seconds=60.0, at_most=1 << 28
                )
            except fetch.NoAnswer:
                if time.monotonic() > until:
                    raise
                self._tend()
                time.sleep(0.05)
                continue
            if answer.status == 200:
                return json.loads(answer.body)
            if answer.status < 500 or time.monotonic() > until:
                raise Stuck(f"{method} {path}: {answer.body.decode('utf-8', 'replace')[:300]}")
            time.sleep(0.1)  # its database is being started again

    def move(self, moment: datetime) -> Mapping[str, Any]:
        """Move its clock; everything that is due on the way happens."""
        moved: Mapping[str, Any] = self.say("PUT", "/sim/clock", {"now": moment.isoformat()})
        return moved

    def coming(self) -> list[tuple[datetime, str]]:
        """What is next on its agenda, without the ends of days."""
        found = self.say("GET", "/sim/clock")["coming"]
        return [(datetime.fromisoformat(one["due_at"]), one["kind"]) for one in found if one["kind"] != "day_end"]

    def open_account(self, funding: str, holder: str, balance: int) -> None:
        """Pay into an account, opened where it is new."""
        self.say("POST", "/sim/accounts", {"funding": funding, "holder": holder, "balance": balance})

    def issue(self, number: str, bank: str, name: str, statement_day: int) -> None:
        """Give out a card."""
        self.say("POST", "/sim/cards", {"card": number, "bank": bank, "name": name, "statement_day": statement_day})

    def mark(self, number: str, scenarios: list[int], params: Mapping[str, Any] | None = None) -> None:
        """Let every payment to a card meet these scenarios."""
        self.say("PUT", f"/sim/cards/{quote(number)}/scenario", {"numbers": scenarios, "params": dict(params or {})})

    def switch(self, number: int, probability: str | None, params: Mapping[str, Any] | None = None) -> None:
        """Switch a scenario on for everybody with a probability, or off."""
        said: dict[str, Any] = {"on": probability is not None, "params": dict(params or {})}
        self.say("PUT", f"/sim/scenarios/{number}", said | ({"probability": probability} if probability else {}))

    def charge(self, charges: list[dict[str, Any]]) -> None:
        """Charges on cards, in bulk."""
        self.say("POST", "/sim/charges", {"charges": charges})

    def books(self) -> Mapping[str, Any]:
        """Every account, and whether the books are sound."""
        books: Mapping[str, Any] = self.say("GET", "/sim/books")
        return books
