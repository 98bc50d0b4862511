"""`anhuan simbank`: the simulated bank as a process of its own, with its own database, books, clock and chance."""

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from anhuan.cli import beside
from anhuan.kit import fetch, terminal

app = typer.Typer(rich_markup_mode=None, invoke_without_command=True)
PORT: Final = 8070  # where it listens unless told otherwise
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one")]
Database = Annotated[str | None, typer.Option("--database", help="its own database, instead of the one it is given")]
Seed = Annotated[int, typer.Option("--seed", help="of a bank that is new: same seed, same behaviour")]
RealTime = Annotated[
    bool, typer.Option("--real-time", help="its clock runs; otherwise it is held, and `anhuan simbank clock` moves it")
]
Speed = Annotated[int, typer.Option("--speed", min=1, help="with --real-time: so many times as fast")]
Url = Annotated[str, typer.Option("--url", help="where the bank listens")]
Parent = Annotated[bool, typer.Option("--parent", hidden=True, help="end when the standard input ends")]


@app.callback()
@terminal.may("installer")
def start(
    context: typer.Context,
    port: Port = PORT,
    database: Database = None,
    seed: Seed = 1,
    real_time: RealTime = False,
    speed: Speed = 1,
) -> None:
    """A bank to practise on, on this machine alone; without a command it is `serve` · 模拟银行."""
    if context.invoked_subcommand is None:
        _serve(port, database, seed, speed if real_time else 0)


@app.command()
@terminal.may("installer")
def serve(
    port: Port = PORT, database: Database = None, seed: Seed = 1, real_time: RealTime = False, speed: Speed = 1,
    parent: Parent = False,
) -> None:  # fmt: skip
    """Run the bank until stopped; one line of JSON tells where it listens and its control token · 运行模拟银行."""
    if parent:
        beside.end_with_parent()
    _serve(port, database, seed, speed if real_time else 0)


@app.command()
@terminal.may("installer")
def trust(
    key_id: Annotated[str, typer.Argument(help="what the partner signs as")],
    file: Annotated[Path, typer.Argument(help="the public key: PEM, or 32 bytes in base64", exists=True)],
    url: Url = f"http://127.0.0.1:{PORT}",
) -> None:
    """Let the running bank believe what is signed with this Ed25519 key · 登记合作方公钥."""
    said = _call(url, "PUT", f"/sim/partners/{key_id}", {"public": _public(file.read_bytes())})
    typer.echo(f"trusted: {said['key_id']}")


@app.command()
@terminal.may("installer")
def enrol(url: Url = f"http://127.0.0.1:{PORT}") -> None:
    """Make a key for this Anhuan and let the running bank believe it, once · 让安还与模拟银行互认."""
    from anhuan.channels import simbank_keys

    typer.echo(f"kept in {simbank_keys.enrol(url)}")
    typer.echo(f"to use it: export ANHUAN_SIMBANK_URL={url}")


@app.command()
@terminal.may("installer")
def clock(
    now: Annotated[
        str | None, typer.Argument(help="move it on to here: 2027-03-05T16:00, UTC+8 where no zone is named")
    ] = None,
    url: Url = f"http://127.0.0.1:{PORT}",
) -> None:
    """Show the clock of the running bank, or move it and do all that falls due · 查看或拨动时钟."""
    if now is not None:
        _check_moment(now)
        said = _call(url, "PUT", "/sim/clock", {"now": now})
        typer.echo(f"{said['now']}  ({said['ran']} done on the way, {said['callbacks']} callbacks)")
        return
    said = _call(url, "GET", "/sim/clock")
    typer.echo(f"{said['now']}  ({'held' if said['held'] else 'running'})")
    for due in said["coming"]:
        typer.echo(f"  {due['due_at']}  {due['kind']}  {due['subject']}")


@app.command()
@terminal.may("installer")
def scenarios(
    number: Annotated[int | None, typer.Argument(help="one of them, as JSON with its oracle")] = None,
) -> None:
    """List the ways in which this bank behaves, or one with its right end · 场景一览."""
    from anhuan.simbank import scenarios as known

    if number is not None:
        typer.echo(json.dumps(known.of(number).as_json(), ensure_ascii=False, indent=1))
        return
    for one in known.every().values():
        typer.echo(f"{one.number:>2}  {one.at.value:<9}  {one.zh} · {one.en}")


def _serve(port: int, database: str | None, seed: int, speed: int) -> None:
    from anhuan.simbank import founding, server

    bank = server.open_bank(database or founding.database(), seed=seed, speed=speed)
    place = founding.keep_token(bank.control_token)

    def tell(facts: dict[str, Any]) -> None:
        clock, now = "running" if speed else "held", bank.should_be().isoformat()
        server.tell({**facts, "token": bank.control_token, "token_file": str(place), "clock": clock, "now": now})

    server.run(bank, port=port, said=tell)


def _call(url: str, method: str, path: str, said: dict[str, Any] | None = None) -> dict[str, Any]:
    """Tell the running bank something with the token that it left in this installation's folder."""
    from anhuan.simbank import founding

    body = None if said is None else json.dumps(said).encode()
    headers = {"authorization": f"Bearer {founding.read_token()}"}
    try:
        answer = fetch.fetch_here(url + path, method=method, body=body, headers=headers, seconds=60.0)
    except fetch.NoAnswer as error:
        sentence = f"{error.message}; start a bank with `anhuan simbank`, or tell with --url where it listens"
        raise fetch.NoAnswer(sentence) from error
    told: dict[str, Any] = json.loads(answer.body)
    if answer.status != 200:
        from anhuan.simbank.model import BadOrder

        raise BadOrder(str(told.get("message") or told.get("code")))
    return told


def _check_moment(text: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError as why:
        from anhuan.simbank.model import BadOrder

        raise BadOrder(f"{text!r} is no moment; write it like 2027-03-05T16:00", field="now") from why


def _public(text: bytes) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if text.startswith(b"-----BEGIN"):
        key = load_pem_public_key(text)
        if isinstance(key, Ed25519PublicKey):
            return base64.b64encode(key.public_bytes_raw()).decode()
    return text.decode("ascii", "replace").strip()
