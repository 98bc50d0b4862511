"""The guard at the door: who may speak to us, how often and how much, and the head lines of every answer.

Pure ASGI, because a check inside a route comes too late: by then the whole form has been read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

import anyio
import structlog
from anyio import to_thread
from sqlalchemy.orm import Session, sessionmaker
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anhuan.kit import clock, page, rates
from anhuan.kit.doors import reference
from anhuan.kit.settings import LOCAL_HOSTS, Network, Settings
from anhuan.web import well_formed

log = structlog.get_logger("anhuan.web")

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'; "
    "worker-src 'self'"
)
HEAD: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), "
    "publickey-credentials-get=(self), publickey-credentials-create=(self)",
}
HSTS: Final = "max-age=31536000; includeSubDomains"
SAFE: Final = ("GET", "HEAD", "OPTIONS")
BODY_LIMIT: Final = 1 << 20  # an ordinary form
UPLOAD_LIMIT: Final = 64 << 20  # all files of one import together; each file has its own limit in statements
UPLOAD_PATHS: Final = ("/import", "/api/v1/imports", "/desk/partners", "/repay/by-hand")
# Passkeys are left out: a signature cannot be guessed, and so no neighbour's guessing keeps anybody from using one.
SIGN_IN_PATHS: Final = ("/sign-in/password", "/sign-up", "/welcome", "/recover", "/step-up", "/api/v1/sign-in")
STATIC: Final = "/static/"
API: Final = "/api/"
BODY_IDLE: Final = 30.0  # seconds without one byte of a body that was announced


@dataclass(frozen=True, slots=True)
class Door:
    """Under which names the house is reached, and whose word about the sender of a request is taken."""

    origin: str = "http://localhost"
    proxies: tuple[Network, ...] = ()

    @property
    def secure(self) -> bool:
        """Whether people come over https."""
        return self.origin.startswith("https://")

    def knows(self, host: str) -> bool:
        """Whether a Host line names this house; on this machine every port is ours to choose."""
        named = self.origin.partition("://")[2]
        if _hostname(named) in LOCAL_HOSTS:
            return _hostname(host.lower()) in LOCAL_HOSTS
        return host.lower() in (named, f"{named}:443")

    def is_own(self, origin: str, host: str) -> bool:
        """Whether an Origin line names the page's own origin."""
        if _hostname(self.origin.partition("://")[2]) in LOCAL_HOSTS:
            return origin == f"{self.origin.partition('://')[0]}://{host.lower()}"
        return origin == self.origin


def door_of(given: Settings) -> Door:
    """The door as the settings of this installation have it."""
    return Door(given.origin, given.proxies)


class Guard:
    """ASGI middleware: shape, host, origin, rate and size before anything is read, head lines on the way out.

    `sessions` is where tries are counted; without it (an application of its own, in a test) only floods are.
    """

    def __init__(
        self,
        app: ASGIApp,
        door: Door | None = None,
        sessions: Callable[[], sessionmaker[Session]] | None = None,
    ) -> None:
        self.app = app
        self.door = door or Door()
        self.sessions = sessions
        self.floods = rates.Local()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it here."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # we speak no other protocol
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        refused = self._malformed(scope)
        scope = self._believed(scope, headers)
        outward = _with_head(send, scope["path"], secure=self.door.secure)
        refused = refused or self._refusal(scope, headers) or await self._counted(scope, headers)
        if refused is not None:
            await refused(scope, receive, outward)
            return
        await self._measured(scope, receive, outward)

    async def _measured(self, scope: Scope, receive: Receive, outward: Send) -> None:
        """Pass the request on with its body counted; too much or too slow a body ends it."""
        meter = Meter(receive, _limit(scope["path"]))

        async def guarded(message: Message) -> None:
            if not meter.status:  # else whatever the half-read form led to is dropped
                await outward(message)

        await self.app(scope, meter, guarded)
        if meter.status:
            await _said(meter.status, scope)(scope, receive, outward)

    def _malformed(self, scope: Scope) -> Response | None:
        path = scope.get("raw_path") or scope["path"].encode()
        status = well_formed.complaint(scope["method"], path, scope["query_string"], scope["headers"])
        return None if status is None else _said(status, scope)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if not self.door.knows(host):
            return _said(421, scope)
        if self.door.secure and scope["scheme"] != "https":
            return self._to_https(scope)
        if not self._is_ours(scope, headers, host):
            return _said(403, scope)
        return _said(413, scope) if int(headers.get("content-length", "0")) > _limit(scope["path"]) else None

    def _to_https(self, scope: Scope) -> Response:
        """What only looks goes to the secure address; what changes something has told its secrets already: refused."""
        if scope["method"] not in SAFE:
            return _said(403, scope)
        query = scope["query_string"].decode("ascii")
        return RedirectResponse(self.door.origin + scope["path"] + (f"?{query}" if query else ""), status_code=308)

    def _believed(self, scope: Scope, headers: Headers) -> Scope:
        """The sender and the scheme as a trusted proxy tells them; anybody else's word about them is not heard."""
        if not self.door.proxies or not self._is_proxy((scope.get("client") or ("",))[0]):
            return scope
        told: dict[str, Any] = {}
        chain = [one.strip() for one in ",".join(headers.getlist("x-forwarded-for")).split(",")]
        strangers = [one for one in chain if _is_address(one) and not self._is_proxy(one)]
        if strangers and _is_address(chain[-1]):
            told["client"] = (strangers[-1], 0)  # the last one that a proxy of ours saw itself
        if headers.getlist("x-forwarded-proto") in (["http"], ["https"]):
            told["scheme"] = headers["x-forwarded-proto"]
        return {**scope, **told}

    def _is_proxy(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in network for network in self.door.proxies)

    def _is_ours(self, scope: Scope, headers: Headers, host: str) -> bool:
        """Whether a request comes from our own page, from a person's own tap, or from a program with a key.

        A browser says where an unsafe request comes from, by Sec-Fetch-Site or at least by Origin; one that carries
        our session and says nothing is refused. What another site embeds or fetches is refused even where it only
        reads; a plain link to us is not.
        """
        sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
        if scope["method"] in SAFE:
            foreign = bool(sites) and not set(sites) <= {"same-origin", "none"}
            framed = headers.get("sec-fetch-dest", "document") not in ("document", "empty")
            return not foreign or (headers.get("sec-fetch-mode", "navigate") == "navigate" and not framed)
        if headers.get("authorization", "").lower().startswith("bearer "):
            return True
        if sites:
            return set(sites) == {"same-origin"}
        if origins:
            return self.door.is_own(origins[0], host)
        return session_of(headers) is None

    async def _counted(self, scope: Scope, headers: Headers) -> Response | None:
        """Count this request where it must be counted; the answer to one that came too soon."""
        if scope["path"].startswith(STATIC):
            return None
        now, state = clock.now(), getattr(scope.get("app"), "state", None)
        limit: Callable[[str], rates.Limit] = getattr(state, "limits", rates.limit)
        address = rates.address_key((scope.get("client") or ("nobody",))[0])
        wait = self.floods.take(address, limit("door.address"), now=now)
        if wait is not None:
            return _too_many(scope, rates.too_many(wait))
        wanted = _counters(scope, headers, address, limit)
        if not wanted or self.sessions is None:
            return None
        maker = self.sessions()
        try:
            await to_thread.run_sync(lambda: rates.take_all(wanted, now=now, sessions=maker))
        except rates.TooMany as bad:
            return _too_many(scope, bad)
        except Exception:  # who cannot be counted is not let in: the request would not find its database either
            number = reference()
            log.exception("not counted", reference=number)
            return _said(503, scope, reference=number)
        return None


class Meter:
    """Counts the bytes of a body as they come, since a declaration can lie; hangs up on too many, and on silence."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self.receive = receive
        self.left = limit
        self.status = 0  # what to answer when it hung up
        self.more = True

    async def __call__(self) -> Message:
        if not self.more:
            return await self.receive()  # the application waits for the visitor to leave, as long as it takes
        try:
            with anyio.fail_after(BODY_IDLE):
                message = await self.receive()
        except TimeoutError:
            self.status, self.more = 408, False
            return {"type": "http.disconnect"}
        self.more = bool(message.get("more_body", False))
        self.left -= len(message.get("body", b""))
        if self.left < 0:
            self.status = 413
            return {"type": "http.disconnect"}
        return message


def sorry(scope: Scope, receive: Receive, number: str) -> Response:
    """The last apology, when not even a page can be made: a number, and the head lines of every answer."""
    words = f"出错了,编号 {number}。\nSomething broke; reference {number}."
    return PlainTextResponse(words, 500, headers={**HEAD, "Cache-Control": "no-store"})


def session_of(headers: Headers) -> str | None:
    """The session that a request carries; of two cookies by that name, the first that anybody may have set."""
    for line in headers.getlist("cookie"):
        for part in line.split(";"):
            name, _, value = part.strip().partition("=")
            if name == page.SESSION_COOKIE:
                return value
    return None


def _counters(
    scope: Scope, headers: Headers, address: str, limit: Callable[[str], rates.Limit]
) -> list[tuple[str, rates.Limit]]:
    """What this request is counted against in the shared store; reading a page of one's own is not counted."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return [(key, limit("client.requests")), (address, limit("writes.address"))]
    if scope["method"] in SAFE:
        return []
    wanted = [(address, limit("writes.address"))]
    if scope["path"].startswith(SIGN_IN_PATHS):
        wanted.append((address, limit("sign_in.address")))
    if session := session_of(headers):
        wanted.append((session, limit("writes.session")))
    return wanted


_WORDS: Final = {
    400: "请求不完整。\nThe request is incomplete.",
    403: "这个请求不是从本站页面发出的,已拒绝,没有改动任何内容。\nThis request did not come from our own page.",
    405: "不支持这种请求。\nThis kind of request is not served.",
    408: "等了太久没有收到内容,没有保存任何内容。\nThe content did not arrive; nothing was stored.",
    413: "文件太大,没有保存任何内容。请分几次导入。\nToo large; nothing was stored. Import in several parts.",
    414: "地址太长。\nThis address is too long.",
    421: "这个地址不属于本站,请用 http://localhost 打开。\nUnknown host name: open the pages by http://localhost.",
    431: "请求头太大。\nThe head of the request is too large.",
    503: "暂时没有回应,请稍后再试。\nThere is no answer right now; please try again later.",
}


def _said(status: int, scope: Scope, *, reference: str = "") -> Response:
    """A refusal in words that repeat nothing of the request; the connection ends, for its body was not read."""
    head = {"Connection": "close"}
    if status == 405:
        head["Allow"] = ", ".join(sorted(well_formed.METHODS))
    words = _WORDS[status] + (f"\n{reference}" if reference else "")
    if scope["path"].startswith(API):
        return JSONResponse({"code": f"http.{status}", "message": " ".join(words.split("\n"))}, status, headers=head)
    return PlainTextResponse(words, status_code=status, headers=head)


def _too_many(scope: Scope, bad: rates.TooMany) -> Response:
    """The refusal of whoever tries too often, as a page where there are pages, with the seconds to wait."""
    from anhuan.web import errors  # here, because the error pages stand behind this door

    wait = str(bad.facts["retry_after"])
    app = scope.get("app")
    if scope["path"].startswith(API):
        answer: Response = JSONResponse(bad.as_json(), 429)
    elif hasattr(getattr(app, "state", None), "pages"):
        answer = errors.bad_news(Request(scope), bad)
    else:
        answer = PlainTextResponse(bad.message, 429)
    answer.headers["Retry-After"] = wait
    return answer


def _limit(path: str) -> int:
    return UPLOAD_LIMIT if path.startswith(UPLOAD_PATHS) else BODY_LIMIT


def _hostname(host: str) -> str:
    """The name without its port; an IPv6 address keeps its brackets."""
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and ":" in host else host


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _with_head(send: Send, path: str, *, secure: bool) -> Send:
    async def sender(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEAD.items():
                headers.setdefault(name, value)
            if secure:
                headers.setdefault("Strict-Transport-Security", HSTS)
            if path.startswith(API):  # an answer for programs is never shown as a page (ASVS 14.4.2)
                headers.setdefault("Content-Disposition", 'attachment; filename="api.json"')
            if not path.startswith(STATIC):
                headers["Cache-Control"] = "no-store"
                headers.add_vary_header("Cookie")
        await send(message)

    return sender
