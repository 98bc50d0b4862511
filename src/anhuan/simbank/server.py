"""The bank as a web server of its own: the wire for partners, the control interface, one page that explains itself."""

import json
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette

from anhuan.simbank import control, days, help_page, wire
from anhuan.simbank.callbacks import Sender
from anhuan.simbank.house import Bank

_TICK: Final = 0.25  # seconds between looks at a running clock
_LAST_SECONDS: Final = 2  # for answers under way when the bank is told to stop


def open_bank(url: str, *, seed: int, speed: int = 0) -> Bank:
    """The bank on this database, founded with this seed where it is new."""
    return Bank(url, seed=seed, furnish=days.furnish, speed=speed)


def application(bank: Bank, sender: Sender) -> Starlette:
    """The web application of this bank."""
    desk = control.Desk(bank, sender)
    return Starlette(routes=[*wire.routes(bank), *control.routes(desk), *help_page.routes(desk)])


def run(bank: Bank, *, port: int, said: Callable[[dict[str, Any]], None] = lambda facts: None) -> None:
    """Serve on this machine alone until a polite signal; port 0 takes a free one. `said` hears the address once."""
    sender = Sender(bank)
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_up, args=(bank, sender, stop), name="simbank-keeper", daemon=True)
    config = uvicorn.Config(
        application(bank, sender), host="127.0.0.1", port=port, log_level="error", access_log=False,
        server_header=False, proxy_headers=False, http="h11", ws="none", lifespan="off",
        timeout_graceful_shutdown=_LAST_SECONDS,
    )  # fmt: skip
    logging.getLogger("uvicorn.error").addFilter(_nobody_is_surprised)
    server = _Telling(config, lambda address: said({"url": address, **control.public_key(bank)}))
    keeper.start()
    try:
        server.run()
    finally:
        stop.set()
        bank.kick.set()
        keeper.join(timeout=_LAST_SECONDS)
        bank.close()


def tell(facts: dict[str, Any]) -> None:
    """One line of JSON on stdout, for whoever started the bank."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _nobody_is_surprised(record: logging.LogRecord) -> bool:
    """Answers that are cut off are this bank's trade (scenarios 7 to 9); real faults are told on stderr."""
    return "without completing response" not in record.getMessage()


def _keep_up(bank: Bank, sender: Sender, stop: threading.Event) -> None:
    """Let a running clock do what is due, and send callbacks as they come."""
    while not stop.is_set():
        bank.kick.wait(_TICK)
        bank.kick.clear()
        if stop.is_set():
            return
        if bank.speed:
            with bank.lock:  # nobody may set the clock between the look at it and the move
                days.move_clock(bank, bank.should_be())
        sender.send_due()


class _Telling(uvicorn.Server):
    """A server that says where it listens, once it does."""

    def __init__(self, config: uvicorn.Config, said: Callable[[str], None]) -> None:
        super().__init__(config)
        self._said = said

    async def startup(self, sockets: Any = None) -> None:
        """Listen, then tell."""
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._said(f"http://{host}:{port}")
