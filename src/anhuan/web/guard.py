"""The guard at the door: who may speak to us, how much they may send, and the head lines of every answer.

Pure ASGI, because a check inside a route comes too late: by then the whole form has been read.
"""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'; "
    "worker-src 'self'"
)
HEAD: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), "
    "publickey-credentials-get=(self), publickey-credentials-create=(self)",
}
LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")
SAFE: Final = ("GET", "HEAD", "OPTIONS")
BODY_LIMIT: Final = 1 << 20  # an ordinary form
UPLOAD_LIMIT: Final = 64 << 20  # all files of one import together; each file has its own limit in statements
UPLOAD_PATHS: Final = ("/import", "/api/")


class Guard:
    """ASGI middleware: host, origin and size are checked before anything is read; head lines are set on the way out."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = LOCAL_HOSTS) -> None:
        self.app = app
        self.hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refusal(scope, headers)
        if refused is not None:
            await refused(scope, receive, _with_head(send, scope["path"]))
            return
        meter = Meter(receive, _limit(scope["path"]))
        outward = _with_head(send, scope["path"])

        async def guarded(message: Message) -> None:
            if not meter.exceeded:  # else whatever the half-read form led to is dropped, and the answer is 413
                await outward(message)

        await self.app(scope, meter, guarded)
        if meter.exceeded:
            await _said(413)(scope, receive, outward)

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if _hostname(host) not in self.hosts:
            return _said(421)
        if scope["method"] not in SAFE and not _is_ours(headers, host):
            return _said(403)
        declared = headers.get("content-length", "0")
        if not declared.isdigit():
            return _said(400)
        return _said(413) if int(declared) > _limit(scope["path"]) else None


class Meter:
    """Counts the bytes of a body as they come, since a declaration can lie; hangs up when there are too many."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self.receive = receive
        self.left = limit
        self.exceeded = False

    async def __call__(self) -> Message:
        message = await self.receive()
        self.left -= len(message.get("body", b""))
        if self.left < 0:
            self.exceeded = True
            return {"type": "http.disconnect"}
        return message


_WORDS: Final = {
    400: "请求不完整。\nThe request is incomplete.",
    403: "这个请求不是从本站页面发出的,已拒绝,没有改动任何内容。\nThis request did not come from our own page.",
    413: "文件太大,没有保存任何内容。请分几次导入。\nToo large; nothing was stored. Import in several parts.",
    421: "这个地址不属于本站,请用 http://localhost 打开。\nUnknown host name: open the pages by http://localhost.",
}


def _said(status: int) -> PlainTextResponse:
    return PlainTextResponse(_WORDS[status], status_code=status)


def _limit(path: str) -> int:
    return UPLOAD_LIMIT if path.startswith(UPLOAD_PATHS) else BODY_LIMIT


def _hostname(host: str) -> str:
    """The name without its port; an IPv6 address keeps its brackets."""
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and ":" in host else host


def _is_ours(headers: Headers, host: str) -> bool:
    """Whether an unsafe request came from our own page; a client that is no browser sends neither header."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == host


def _with_head(send: Send, path: str) -> Send:
    async def sender(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEAD.items():
                headers.setdefault(name, value)
            if not path.startswith("/static/"):
                headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sender
