"""A person's proof in tests, as a browser gives it: the page's or the door's question, answered by a passkey."""

import html
import json
import re
from typing import Any

from httpx2 import Response
from tests.attacks.hands import Hand
from tests.identity.authenticator import Authenticator

QUESTION = re.compile(r"data-question='([^']*)'")
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def answered(page: Response, device: Authenticator) -> dict[str, Any]:
    """The fields of the confirm page's form, with the passkey's answer to its question."""
    found = QUESTION.search(page.text)
    assert found, page.text[:2000]
    question = json.loads(html.unescape(found[1]))
    whole = page.text[: page.text.index("</form>", found.start())]
    fields: dict[str, Any] = {}
    for name, value in FIELD.findall(whole[found.start() :]):
        fields.setdefault(name, []).append(html.unescape(value))
    fields.pop("csrf", None)
    return fields | {"step_up": question["challenge"], "credential": device.answer(question["options"])}


def confirmed(browser: Hand, device: Authenticator, path: str, data: dict[str, Any] | None = None) -> Response:
    """Send a form, confirm the act that the page shows, and send it again with the proof."""
    asked = browser.post(path, data)
    assert asked.status_code == 200, asked.text[:300]
    return browser.post(path, answered(asked, device))


def proof_of(browser: Hand, device: Authenticator, **act: Any) -> dict[str, Any]:
    """The proof for an act, asked for and answered through the JSON door."""
    asked = browser.call("POST", "/api/v1/step-ups", act)
    assert asked.status_code == 201, asked.text
    return {"step_up": asked.json()["id"], "credential": device.answer(asked.json()["options"])}
