"""The door for channels' programs: a callback comes in, is kept, and makes us ask."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from anhuan.channels import capabilities, hearing
from anhuan.channels.hearing import Verdict
from anhuan.kit import page, rates
from anhuan.kit.actors import PUBLIC

router = APIRouter(tags=["channels"])

ANSWERS: Final = {Verdict.HINT: 204, Verdict.REPLAY: 204, Verdict.STALE: 401, Verdict.FORGED: 401}


async def _body(request: Request) -> bytes:
    """The bytes of a callback, up to the dated size; nothing beyond it is read."""
    most = capabilities.number("callback_bytes", on=page.today(request))
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > most:
            raise HTTPException(413, "回调超过允许的大小。")
    return bytes(found)


@router.post(
    "/callbacks/{channel}",
    dependencies=[page.needs(PUBLIC)],
    status_code=204,
    response_class=Response,
    responses={413: {"description": "Longer than any callback is."}},
)
def callback(request: Request, channel: str, content: Annotated[bytes, Depends(_body)]) -> Response:
    """Take a channel's callback: 204 for one that is believed or was heard before, 401 for one that is not."""
    now, day = page.now(request), page.today(request)
    address = rates.address_key(request.client.host if request.client else "")
    sessions = request.app.state.sessions()
    rates.take(address, rates.limit("callbacks.address", on=day), now=now, sessions=sessions)
    with sessions.begin() as db:  # of its own: what is forged is kept although the answer is no
        heard = hearing.hear(db, channel, request.headers, content, now=now)
    return Response(status_code=ANSWERS[heard.verdict])
