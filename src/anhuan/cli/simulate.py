"""`anhuan simulate`: a small town of people and banks on a throw-away database, killed again and again, then judged."""

import json
import secrets
from pathlib import Path
from typing import Annotated, Final

import typer

from anhuan.cli import serve, work
from anhuan.kit import terminal

app = typer.Typer(rich_markup_mode=None)
PORTS: Final = range(20_000, 32_000)  # below those that systems hand out for connections


@app.command()
@terminal.may("installer")
def simulate(
    households: Annotated[int, typer.Option("--households", help="how many live in the town")] = 8,
    days: Annotated[int, typer.Option("--days", help="how long it lives")] = 40,
    seed: Annotated[int, typer.Option("--seed", help="same seed, same people, habits, faults and kills")] = 1,
    faults: Annotated[str, typer.Option("--faults", help="all, none, or numbers of scenarios: 7,17,32")] = "all",
    kills: Annotated[int, typer.Option("--kills", help="kill -9 so often: web, workers, bank, database")] = 0,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="leave the town in this empty folder, as a demonstration to open")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object and nothing else on stdout")] = False,
) -> None:
    """Let a town of invented people live and die, then judge it: exit code 1 when a law is broken · 模拟小镇."""
    from anhuan.simulation import service
    from anhuan.simulation.model import Ask
    from anhuan.simulation.rules import faults_of

    terminal.logger(__name__)  # sets the log up before any room speaks: stdout is for the report alone
    work.know_the_rooms()  # the town promises what their crons would
    ask = Ask(households, days, seed, faults_of(faults), kills, keep)
    report = service.run(ask, ports=_ports(), say=lambda line: typer.echo(line, err=True))
    typer.echo(json.dumps(report, ensure_ascii=False, indent=None if as_json else 1))
    if keep is not None:
        typer.echo(f"open the town: ANHUAN_HOME={keep.absolute()} anhuan serve --demo", err=True)
    raise typer.Exit(1 if report["broken"] else 0)


def _ports() -> tuple[int, int]:
    """Two ports of this machine that nobody uses, and that no connection is given either while a process is dead."""
    some = secrets.SystemRandom().sample(PORTS, 200)
    free = (port for port in some if _is_free(port))
    try:
        return next(free), next(free)
    except StopIteration:
        raise serve.PortTaken(f"of {len(some)} ports from {PORTS[0]} to {PORTS[-1]} none is free") from None


def _is_free(port: int) -> bool:
    try:
        doors = serve.loopback(port)
    except serve.PortTaken:
        return False
    for door in doors:
        door.close()
    return True
