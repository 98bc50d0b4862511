"""`anhuan serve`: database, tables and pages in one go, on this machine alone."""

import errno
import os
import socket
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any, Final

import structlog
import typer

from anhuan.cli import watch, work
from anhuan.identity import cli as people
from anhuan.identity import demonstration
from anhuan.kit import clock, db, memory, settings, terminal
from anhuan.kit.errors import Unavailable

if TYPE_CHECKING:
    import uvicorn

app = typer.Typer(rich_markup_mode=None)
APPLICATION: Final = "anhuan.app:serve"
DEMONSTRATION: Final = "anhuan.app:serve_demonstration"
HEAD_BYTES: Final = 64 << 10  # of one request's head, before the server stops reading; the guard allows half of it
CONNECTIONS: Final = 500  # at once; more are told to come back
log = structlog.get_logger(__name__)


class PortTaken(Unavailable):
    """Another program listens on the port already."""

    code = "serve.port_taken"


@app.command()
@terminal.may("installer")
def serve(
    demo: Annotated[
        bool, typer.Option("--demo", help="invented people with one-tap sign-in, and a household of cards")
    ] = False,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="instead of ANHUAN_PORT")] = None,
    worker: Annotated[bool, typer.Option(help="a background worker beside the pages")] = True,
) -> None:
    """Start the web pages on this machine and a worker beside them; Ctrl-C stops all and the database they started."""
    number = settings.read().port if port is None else port
    doors = loopback(number)
    access = db.access()
    if access.found == "DATABASE_URL" and settings.read().owner_url == access.app:
        db.require_head()  # the application may not change tables; its administrator runs `anhuan db migrate`
    else:
        db.migrate(access.owner)
    if port is not None:
        os.environ["ANHUAN_PORT"] = str(port)  # what passkeys and links are made for follows
    working = worker and access.work is not None
    with watch.alongside() if working else nullcontext():
        _open(doors, demo=demo, working=working)


def _open(doors: list[socket.socket], *, demo: bool, working: bool) -> None:
    if demo:
        show(doors, working=working)
        return
    link = prepare()
    greet()
    if link is not None:
        typer.echo(f"first person · 首次使用 (24 h, once · 24 小时内有效,只能用一次):\n{link}")
    with work.beside() if working else nullcontext():
        run(doors)


def show(doors: list[socket.socket], *, working: bool) -> None:
    """Open a demonstration: the page comes first, the simulated bank and the worker start meanwhile."""
    from anhuan.cli import demo as household  # here, because they need every room
    from anhuan.cli import demo_bank

    household.declare()  # before a bank is started: a real house gets none
    with demo_bank.beside_pages(worker=working) as others:
        household.prepare()
        others.ready()
        greet()
        run(doors, DEMONSTRATION)


def greet() -> None:
    """Tell the address."""
    typer.echo(f"Anhuan 安还  {settings.read().origin}  (Ctrl-C stops)")


def prepare() -> str | None:
    """Make a real house ready; returns the welcome link where nobody lives yet."""
    with db.transaction() as session:
        demonstration.declare(session, demonstration.REAL, now=clock.now())
    return people.welcome()


def loopback(port: int) -> list[socket.socket]:
    """Listening sockets on 127.0.0.1 and, where there is one, ::1: nobody beyond this machine can connect."""
    doors: list[socket.socket] = []
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            doors.append(_listening(family, address, port))
        except OSError as error:
            if family == socket.AF_INET6 and error.errno != errno.EADDRINUSE:
                continue  # a machine without IPv6
            for door in doors:
                door.close()
            if error.errno == errno.EADDRINUSE:
                sentence = f"port {port} is taken on {address}; choose another: anhuan serve --port {port % 65535 + 1}"
                raise PortTaken(sentence, field="ANHUAN_PORT") from error
            raise PortTaken(f"cannot listen on {address}:{port}: {error}", field="ANHUAN_PORT") from error
    return doors


def _listening(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    door = socket.socket(family, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((address, port))
        door.listen(128)
    except OSError:
        door.close()
        raise
    return door


def server(application: Any = APPLICATION) -> "uvicorn.Server":
    """The web server as we run it: few head bytes, no proxy's word believed (see the guard), TLS from 1.2 on."""
    import uvicorn  # here, because no other command needs the web

    cert, key = settings.read().tls or (None, None)

    # The application stands above the command line, so it is named and not imported.
    return uvicorn.Server(
        uvicorn.Config(
            application,
            factory=isinstance(application, str),
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            http="h11",
            ws="none",
            h11_max_incomplete_event_size=HEAD_BYTES,
            limit_concurrency=CONNECTIONS,
            ssl_certfile=cert,
            ssl_keyfile=key,
        )
    )


def run(doors: list[socket.socket], application: str = APPLICATION) -> None:
    """Serve until Ctrl-C or a polite signal."""
    serving = server(application)
    serving.config.load()
    memory.settle()
    try:
        serving.run(sockets=doors)
    except KeyboardInterrupt:
        log.info("stopped by Ctrl-C")
