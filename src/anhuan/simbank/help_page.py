"""The one page of the bank, for developers and demonstrations: what it is, its clock, its scenarios with switches."""

from html import escape
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from anhuan.kit.errors import Bad
from anhuan.simbank import control, scenarios, store_agenda
from anhuan.simbank.control import Desk
from anhuan.simbank.payments import moment

_HEAD = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>模拟银行 · Simulated bank</title></head><body>
<h1>模拟银行 · Simulated bank</h1>
<p>这里的钱、人、银行都是虚构的。它有自己的账本、时钟和随机数，像真银行一样会出错，供开发与演示使用。<br>
Money, people and banks in here are invented. It keeps its own books, clock and dice, and misbehaves as real banks do.
Partners speak to <code>/v1</code> with signatures; <code>/sim</code> is the control interface and wants the control
token (<code>Authorization: Bearer …</code>), printed at the start and kept in the installation's folder, file
<code>simbank/control-token</code>.</p>"""


def routes(desk: Desk) -> list[Route]:
    """The page and its two forms."""

    async def show(request: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(_page, desk))

    async def press(request: Request) -> Response:
        said = {name: values[0] for name, values in parse_qs((await request.body()).decode("utf-8", "replace")).items()}
        if not desk.may(said.get("token", "")):
            return HTMLResponse("<p>控制口令不对 · wrong control token</p>", 401)
        try:
            await run_in_threadpool(_press, desk, request, said)
        except (Bad, ValueError, KeyError) as why:
            return HTMLResponse(f"<p>{escape(str(why))}</p>", 400)
        return RedirectResponse("/", 303)

    return [
        Route("/", show, methods=["GET"]),
        Route("/switch/{number:int}", press, methods=["POST"]),
        Route("/clock", press, methods=["POST"]),
    ]


def _press(desk: Desk, request: Request, said: dict[str, str]) -> None:
    if "number" in request.path_params:
        on = said.get("on") == "1"
        control.switch(desk, request, {"on": on, "probability": said.get("probability") or "1"})
    else:
        control.move_clock(desk, request, {"now": said["now"]})


def _page(desk: Desk) -> str:
    with desk.bank.act() as act:
        now, on = act.now, {row["number"]: row["probability"] for row in store_agenda.switches(act.db)}
    way = "静止，由控制口拨动 · held in hand" if not desk.bank.speed else f"运行 · running × {desk.bank.speed}"
    token = '<input type="password" name="token" placeholder="control token" required>'
    rows = "".join(_row(one, on.get(number), token) for number, one in scenarios.every().items())
    return (
        f"{_HEAD}<h2>时钟 · Clock</h2><p><b>{escape(moment(now))}</b> ({way})</p>"
        f'<form method="post" action="/clock"><input name="now" value="{escape(moment(now))}" size="28"> {token}'
        " <button>拨到 · Move</button></form>"
        "<h2>场景 · Scenarios</h2><table border=1 cellpadding=4><tr><th>#</th><th>银行的行为 · the bank does</th>"
        "<th>类别 · kind</th><th>正确结果 · the right end</th><th>开关 · switch</th></tr>"
        f"{rows}</table></body></html>"
    )


def _row(one: scenarios.Scenario, probability: str | None, token: str) -> str:
    end = f"{' → '.join(one.oracle.answers)}; {one.oracle.state}"
    end += f" ({one.oracle.code})" if one.oracle.code else ""
    end += f"; debits {one.oracle.debits}, credits {one.oracle.credits}"
    state = f"<b>开 · on</b> p={escape(probability)}" if probability else "关 · off"
    button = f'<button name="on" value="{0 if probability else 1}">{"关 · off" if probability else "开 · on"}</button>'
    return (
        f"<tr><td>{one.number}</td><td>{escape(one.zh)}<br>{escape(one.en)}</td><td>{one.at.value}</td>"
        f"<td>{escape(end)}<br>{escape(one.needs)}</td><td>{state}"
        f'<form method="post" action="/switch/{one.number}"><input name="probability" value="1" size="4">'
        f" {token} {button}</form></td></tr>"
    )
