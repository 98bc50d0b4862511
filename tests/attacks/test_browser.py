"""Attacks through a browser: other sites that send, embed, read or lead away; text that becomes markup."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from tests.attacks.conftest import BASE, form_token, house_of, routes
from tests.people import browser

from anhuan import cards
from anhuan.cards import BillFacts, Charge
from anhuan.kit import clock, ids
from anhuan.kit import db as database
from anhuan.kit.doors import own_path
from anhuan.kit.ids import LOCAL_USER

WHERE = ["/", "/cards", "/cards/new", "/me", "/sign-in", "/nowhere", "/api/v1/board", "/api/v1/nowhere", "/static/none"]


def test_clickjacking(client: TestClient) -> None:
    """Tried: our page in a frame of another site, under its own buttons.
    Must: every answer, errors too, forbids frames in both ways that browsers know.
    Control: the policy is read by its words, so a page without it fails.
    """
    for path in WHERE:
        head = client.get(path).headers
        assert "frame-ancestors 'none'" in head["content-security-policy"]
        assert head["x-frame-options"] == "DENY"


def test_type_confusion_of_answers(client: TestClient) -> None:
    """Tried: an answer that a browser takes for something else (a script, a style, a page) by its bytes.
    Must: nosniff and a declared type on every answer; no other site may load it as a part of its page.
    Control: the type of a page and of JSON differ.
    """
    for path in WHERE:
        answer = client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        kind = answer.headers.get("content-type", "")
        assert (
            kind.startswith("application/json" if "/api/" in path else ("text/html", "text/plain"))
            or not answer.content
        )


def test_cache_leak(client: TestClient) -> None:
    """Tried: reading somebody's page from the cache of a browser or proxy after sign-out.
    Must: no-store and Vary: Cookie on every GET route of the house; only static files may be kept.
    Control: a static file may be kept.
    """
    from anhuan.web import assets

    paths = {path for path, route in routes(client.app) if "GET" in (route.methods or ()) and "{" not in path}
    assert len(paths) > 20, "the routes were not found"
    leaky = [
        path
        for path in sorted(paths)
        if "no-store" not in (head := client.get(path).headers)["cache-control"] or "Cookie" not in head["vary"]
    ]
    assert leaky == []
    assert "public" in client.get(assets.url("icon.svg")).headers["cache-control"]


# --- forms from elsewhere ---

FORM = {"lang": "en", "back": "/me"}


def sent(client: TestClient, token: str | None, **head: str) -> int:
    """The status of a form of ours with this token, sent with these head lines."""
    data = FORM | ({} if token is None else {"csrf": token})
    return client.post("/me/language", data=data, headers={"sec-fetch-site": "same-origin"} | head).status_code


def test_csrf_without_token(client: TestClient) -> None:
    """Tried: a form of ours without its token, or with an empty, short or invented one.
    Must: refused, nothing changed.
    Control: with the token it is taken.
    """
    assert {sent(client, token) for token in (None, "", "00", "ab" * 64, "zz" * 64)} == {422}
    assert sent(client, form_token(client)) == 303


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "Same-Origin", ""])
def test_csrf_from_another_site(client: TestClient, site: str) -> None:
    """Tried: a form with a stolen token, sent by a page of another site (or of another port, or typed).
    Must: 403 by the browser's own word, before the form is read.
    Control: the same form from our page is taken.
    """
    token = form_token(client)
    assert sent(client, token, **{"sec-fetch-site": site}) == 403
    assert sent(client, token) == 303


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:8000.evil.example",
                                    "https://localhost:8000", "http://localhost", "http://localhost:8001"])  # fmt: skip
def test_csrf_from_a_foreign_origin(db: Session, origin: str) -> None:
    """Tried: the same from an older browser, which says only its Origin.
    Must: 403 for every origin but ours, to the port.
    Control: our own origin is taken.
    """
    with TestClient(house_of(database.sessions()), base_url=BASE, follow_redirects=False) as old:
        old.headers["cookie"] = browser(db)["cookie"]
        token = form_token(old)
        answers = [old.post("/me/language", data=FORM | {"csrf": token}, headers={"origin": one}).status_code
                   for one in (origin, BASE)]  # fmt: skip
    assert answers == [403, 303]


def test_csrf_with_no_origin_at_all(db: Session) -> None:
    """Tried: a form with somebody's session and a good token, and no word about where it comes from.
    Must: 403.
    Control: with our origin it is taken.
    """
    with TestClient(house_of(database.sessions()), base_url=BASE, follow_redirects=False) as silent:
        silent.headers["cookie"] = browser(db)["cookie"]
        data = FORM | {"csrf": form_token(silent)}
        assert silent.post("/me/language", data=data).status_code == 403
        assert silent.post("/me/language", data=data, headers={"origin": BASE}).status_code == 303


def test_csrf_with_the_token_of_another_browser(client: TestClient, stranger: TestClient) -> None:
    """Tried: the attacker's own, valid token in the victim's form.
    Must: refused: a token belongs to one session or one browser.
    Control: in the attacker's own browser it is good.
    """
    stranger.base_url = stranger.base_url.copy_with(scheme="https")  # else the test's jar drops Secure cookies
    theirs = form_token(stranger, "/sign-in")
    assert sent(client, theirs) == 422
    assert sent(client, form_token(client)) == 303


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", ""]
)
def test_csrf_against_the_json_door(client: TestClient, kind: str) -> None:
    """Tried: JSON in a form's clothes, which another site may send without asking first.
    Must: not taken: 403 from another site, 4xx for the wrong type even from ours.
    Control: JSON that says so is read.
    """
    body = json.dumps({"bank": "cmb", "number": "6214"})
    head = {"content-type": kind}
    assert (
        client.post("/api/v1/cards", content=body, headers=head | {"sec-fetch-site": "cross-site"}).status_code == 403
    )
    assert client.post("/api/v1/cards", content=body, headers=head).status_code in (415, 422)
    assert client.post("/api/v1/cards", json=json.loads(body)).status_code == 201


@pytest.mark.parametrize("path", ["/api/v1/board", "/", "/api/v1/cards"])
def test_reading_across_origins(client: TestClient, path: str) -> None:
    """Tried: a script of another site that reads our answers with the visitor's session (CORS).
    Must: no answer allows any origin, and what a script fetches is refused.
    Control: the same path from our own page is answered.
    """
    head = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    assert not [name for name in client.options(path, headers=head).headers if name.startswith("access-control")]
    fetched = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
    assert client.get(path, headers=fetched | head).status_code == 403
    assert client.get(path).status_code in (200, 405)


@pytest.mark.parametrize("dest", ["image", "script", "style", "iframe", "embed", "object", "video"])
def test_embedding_across_sites(client: TestClient, dest: str) -> None:
    """Tried: our page as an image, script or frame of another site, to measure what it holds.
    Must: 403.
    Control: a plain link from another site opens the page.
    """
    mode = "navigate" if dest in ("iframe", "embed", "object") else "no-cors"
    head = {"sec-fetch-site": "cross-site", "sec-fetch-mode": mode, "sec-fetch-dest": dest}
    assert client.get("/", headers=head).status_code == 403
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/", headers=link).status_code == 200


def test_cookies_over_the_wire(stranger: TestClient) -> None:
    """Tried: a secret cookie that travels in clear, is read by a script or set by a neighbour site.
    Must: Secure, HttpOnly, SameSite, path /, no domain and the name's prefix that makes browsers insist.
    Control: at least one cookie is set.
    """
    told = stranger.get("/sign-in").headers.get_list("set-cookie")
    secret = [one for one in told if "anhuan" in one.split("=")[0]]
    assert secret
    for one in secret:
        words = {word.strip().lower().split("=")[0] for word in one.split(";")[1:]}
        assert one.startswith("__Host-")
        assert {"secure", "httponly", "samesite", "path"} <= words
        assert "domain" not in words


# --- being led away ---

AWAY = [
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)", "/\tevil.example", "/\n/evil.example", "/%09/evil.example", "/%2f/evil.example",
    "/%5cevil.example",
    "/%252f%252fevil.example", "/.//evil.example", "/..//evil.example", "/a/../..//evil.example", "@evil.example",
    "/@evil.example/..//", "/ /evil.example", "\u2028/evil.example", "/\u3000/evil", "/\uff0fevil.example", " /me",
    "me", "",
    "/x\r\nLocation: https://evil.example", "//localhost:8000@evil.example", "/;@evil.example//x", "?//evil", "#//evil",
]  # fmt: skip


def test_open_redirect(client: TestClient) -> None:
    """Tried: a form that sends the visitor on to another site after our answer, in thirty spellings.
    Must: the visitor lands on our own home page.
    Control: a path of ours is followed.
    """
    for back in AWAY:
        token = form_token(client)
        answer = client.post("/me/language", data=FORM | {"csrf": token, "back": back})
        assert answer.headers["location"] == own_path(back) == "/"
        assert client.post("/me/language", data=FORM | {"csrf": token}).headers["location"] == "/me"


PIECES = st.sampled_from(["/", "\\", ".", "..", "%2f", "%5C", "%09", "%0a", "\t", "\n", "\r", "\0", " ", "evil.example",
                          "@",
                          ":", "https:", "?", "#", ";", "\u2028", "\uff0f", "\u3002", "a", "%25", "%"])  # fmt: skip


@given(st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=40)))
@example("/a?b=https://evil.example")
def test_open_redirect_by_chance(back: str) -> None:
    """Tried: any text as the path to return to.
    Must: as a browser reads it, with skipped controls and turned backslashes, it stays on our host.
    Control: the reading recognises that `//evil.example` leaves.
    """

    def host(text: str) -> str | None:
        read = re.sub(r"[\t\n\r]", "", text).strip("".join(map(chr, range(33)))).replace("\\", "/")
        return urlsplit(urljoin("https://own.example/", read)).hostname

    for depth in range(3):
        plain = own_path(back)
        for _ in range(depth):
            plain = unquote(plain)
        assert host(plain) == "own.example"
    assert host("//evil.example") == host("/\\evil.example") == "evil.example"


# --- text that becomes markup ---

MARKUP = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'; alert(1); '", "{{7*7}}", "{% raw %}",
          "${7*7}",
          "<svg/onload=alert(1)>", "&lt;script&gt;", "\u202e<b>", "]]><script>", "{{request.app.state}}"]  # fmt: skip


SEARCHES = ["/cards?group={}", "/calendar?month={}", "/education/late?amount={}", "/plan?skip={}",
            "/education/instalment?amount={}", "/sign-in?back={}", "/nowhere/{}"]  # fmt: skip


def bare(text: str, planted: str) -> list[str]:
    """Places of a page where markup stands as it was planted."""
    return re.findall(re.escape(planted), text) if re.search(r"[<\"']", planted) else []


def test_markup_in_labels(client: TestClient) -> None:
    """Tried: markup and template code as the label and group of a card, shown on three pages.
    Must: it is shown as text: no tag of it, nothing of it reckoned.
    Control: the label itself is on the page, escaped.
    """
    from markupsafe import escape

    for number, planted in enumerate(MARKUP, start=1001):
        made = client.post(
            "/api/v1/cards", json={"bank": "cmb", "number": str(number), "label": planted, "groups": [planted]}
        )
        assert made.status_code == 201, made.text
        account = client.get("/api/v1/accounts").json()[-1]["account_id"]
        pages = [client.get(path).text for path in ("/cards", "/", f"/cards/{account}")]
        assert any(str(escape(planted)) in text for text in pages)
        assert [bare(text, planted) for text in pages if bare(text, planted)] == []
        assert not any(">49<" in text or "State object" in text for text in pages)


def test_markup_in_bank_texts(client: TestClient) -> None:
    """Tried: the same in the words of a merchant inside a file that is imported.
    Must: shown as text on the preview and on the card.
    Control: the words are on the preview, escaped.
    """
    for planted in MARKUP:
        from markupsafe import escape

        row = f"交易日,记账日,交易摘要,人民币金额,卡号末四位\r\n04/01,04/02,{planted.replace(',', ' ')},12.00,6214\r\n"
        token = form_token(client)
        done = client.post("/import", data={"csrf": token}, files={"files": ("2026年04月.csv", row.encode())})
        assert done.status_code == 303, done.text
        shown = client.get(done.headers["location"]).text
        assert str(escape(planted.replace(",", " "))) in shown or "6214" not in shown
        assert bare(shown, planted) == []


def test_markup_in_addresses(client: TestClient) -> None:
    """Tried: markup in search fields and paths, repeated by the page that answers.
    Must: no page repeats it bare, whatever its status.
    Control: the check finds bare markup in a page that has it.
    """
    for path, planted in [(path, planted) for path in SEARCHES for planted in MARKUP]:
        from urllib.parse import quote

        answer = client.get(path.format(quote(planted, safe="")))
        assert answer.status_code < 500
        assert bare(answer.text, planted) == []
        assert bare("<p><script>alert(1)</script>", "<script>alert(1)</script>")


def test_markup_in_the_note_cookie(client: TestClient) -> None:
    """Tried: a neighbour site sets the cookie that carries one sentence to the next page, with markup in it.
    Must: shown as text.
    Control: the sentence is on the page.
    """
    planted = "<script>alert(1)</script>note"
    client.headers["cookie"] += f"; anhuan_note={planted.encode().hex()}"
    text = client.get("/me").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;note" in text
    assert "<script>alert(1)" not in text


def test_download_as_a_page(client: TestClient, db: Session) -> None:
    """Tried: a file we hand out, opened by the browser as a page of ours with what a bank wrote in it.
    Must: attachment, nosniff and a sandbox on every file.
    Control: a page has no Content-Disposition.
    """
    for path in ("/plan.ics", "/plan.pdf"):
        head = client.get(path).headers
        assert head["content-disposition"].startswith("attachment; ")
        assert head["content-security-policy"].startswith("sandbox")
        assert head["x-content-type-options"] == "nosniff"
    assert "content-disposition" not in client.get("/me").headers


@pytest.mark.parametrize(
    "name", ['a".html', "a\r\nX: y", "../../a", "a\\b", "\u202egpj.exe", "账单.ics", "a;b=c", "." * 300, ""]
)
def test_names_of_downloads(name: str) -> None:
    """Tried: a file's name that ends its head line, walks out of a folder or shows another ending than it has.
    Must: one line of plain words, no quote, slash or turning mark inside.
    Control: a Chinese name is kept, in the form for other scripts.
    """
    from anhuan.kit.downloads import disposition

    said = disposition(name)
    plain = re.fullmatch(r'attachment; filename="([A-Za-z0-9._-]+)"(; filename\*=UTF-8\'\'[A-Za-z0-9._%~-]+)?', said)
    assert plain
    assert "/" not in unquote(said)
    assert "\u202e" not in unquote(said)
    assert "账单" in unquote(disposition("账单.ics"))


def test_ids_of_others(client: TestClient, db: Session) -> None:
    """Tried: another person's card by its id, on every page and JSON route that takes an id.
    Must: the answer to an id that nobody has: same status, same words but for the number to quote.
    Control: one's own id gets another answer.
    """
    from tests.people import as_party

    now, other = clock.now(), ids.new_id()
    facts: Any = BillFacts("cgb", "CNY", 1000000, 100000, now.date(), now.date() + timedelta(days=20), ("6736",),
                           charges=(Charge(now.date(), 1000000),), known_complete=True)  # fmt: skip
    as_party(db, other)
    theirs = cards.record_bill(db, other, facts, now=now)
    as_party(db, LOCAL_USER)
    own = cards.record_bill(db, LOCAL_USER, facts, now=now)
    as_party(db, LOCAL_USER)
    paths = sorted({path for path, route in routes(client.app) if "GET" in (route.methods or ()) and "_id}" in path})
    assert len(paths) > 5

    def answer(path: str, one: Any) -> tuple[int, str]:
        said = client.get(re.sub(r"\{\w*_id(:\w+)?\}", str(one), path))
        text = re.sub(r"[0-9A-F]{8}|[0-9a-f-]{36}|value=\"[0-9a-f]{100,}\"", "", said.text)
        return said.status_code, text

    differing = [path for path in paths if answer(path, theirs.account_id) != answer(path, ids.new_id())]
    assert differing == []
    assert answer("/cards/{account_id}", own.account_id)[0] == 200
