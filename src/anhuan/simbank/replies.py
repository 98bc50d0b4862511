"""What goes back over the wire: JSON or bytes, signed, and every way in which an answer fails to come."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from anhuan.kit import signing
from anhuan.simbank.house import KEY_ID, Bank


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer before it is signed. `answer` says how it goes out: whole, late, or not at all (`courses.ANSWERS`)."""

    status: int
    said: Mapping[str, Any] | bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"
    answer: str = "whole"
    seconds: int = 0

    @property
    def body(self) -> bytes:
        """The bytes of the answer."""
        return self.said if isinstance(self.said, bytes) else json.dumps(self.said, ensure_ascii=False).encode()


def no(status: int, code: str, message: str = "", **more: Any) -> Reply:
    """A refusal at the door."""
    said = {"code": code, **({"message": message} if message else {}), **more}
    return Reply(status, said)


def wait(status: int, code: str, seconds: int, until: str) -> Reply:
    """Nothing was taken: come back after these seconds."""
    return replace(no(status, code, until=until), headers={"retry-after": str(seconds)})


async def whole_body(request: Request, at_most: int) -> bytes | None:
    """The body of a request; None where it is longer than that many bytes, of which no more are kept."""
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > at_most:
            return None
    return bytes(found)


async def out(reply: Reply, bank: Bank, nonce: str) -> Response:
    """The answer as it goes out: signed with the nonce of its request, which binds the two; or what comes instead."""
    if reply.seconds:
        await asyncio.sleep(reply.seconds)
    if reply.answer in ("drop", "hang"):
        return Cut(reply.body)
    if reply.answer == "error":
        return Response(b'{"code": "internal"}', 500, media_type="application/json")
    if reply.answer == "rubbish":
        return Response("<html><body>网关繁忙 gateway".encode("gb18030"), 200, media_type="text/html")
    return signed(reply, bank, nonce)


def signed(reply: Reply, bank: Bank, nonce: str) -> Response:
    """The whole answer with its signature (method ANSWER, path = status)."""
    body = reply.body
    head = signing.sign(
        bank.sign_key, KEY_ID, "ANSWER", str(reply.status), body, now=bank.wire_now(), nonce=nonce or "none"
    )
    return Response(body, reply.status, {**reply.headers, **head}, media_type=reply.media)


class Cut(Response):
    """A connection that ends in the middle of its answer: the server closes it when the promised bytes do not come."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise the whole body and send a third of it."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 3], "more_body": True})
