"""A real browser against a real server and a real database; skipped where no Chromium is, failed where CI is set."""

import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Response, expect, sync_playwright
from sqlalchemy import Engine
from tests.people import sign_in

from anhuan import app as house
from anhuan.kit import clock
from anhuan.kit import db as database

TOP = Path(__file__).resolve().parents[2]
AXE = TOP / "node_modules" / "axe-core" / "axe.min.js"
ARTEFACTS = TOP / "tests" / "artefacts"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
NARROW = {"width": 360, "height": 780}
FLAGS = ("--disable-dev-shm-usage", "--font-render-hinting=none", "--force-color-profile=srgb", "--lang=zh-CN",
         "--hide-scrollbars")  # fmt: skip
NOW = datetime(2026, 11, 22, 9, 20, tzinfo=clock.CHINA)  # a Sunday
OPEN_DOORS = ("/sign-in", "/sign-up", "/welcome", "/recover")
PATIENCE = 30_000  # milliseconds that the browser may take for anything: a busy machine is no failure
TAGS = ["wcag2a", "wcag2aa", "wcag21aa"]


def chromium() -> str | None:
    """Where Debian, or the person, keeps a Chromium."""
    return os.environ.get("ANHUAN_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def need(there: bool, sentence: str) -> None:
    """Skip with one line that says how to mend it; in CI the same line is a failure."""
    if there:
        return
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    need(chromium() is not None, "needs Chromium: apt-get install chromium fonts-noto-cjk")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(driver: Playwright) -> Iterator[Browser]:
    sandbox = not hasattr(os, "geteuid") or os.geteuid() != 0
    launched = driver.chromium.launch(
        executable_path=chromium(), headless=True, args=list(FLAGS), chromium_sandbox=sandbox
    )
    yield launched
    launched.close()


@dataclass
class Site:
    """A running house: its address, its database, and the moment its clock shows."""

    address: str
    engine: Engine
    moment: list[datetime] = field(default_factory=lambda: [NOW])

    def now(self) -> datetime:
        return self.moment[0]


@pytest.fixture
def site(own_database: Engine) -> Iterator[Site]:
    """The whole house on a free port of this machine, with a database of its own and a clock we hold."""
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    made = Site(f"http://localhost:{door.getsockname()[1]}", own_database)
    os.environ["ANHUAN_ORIGIN"] = made.address
    app = house.create(database.sessions(), now=made.now)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    for _ in range(3000):  # a minute, on a busy machine
        if server.started:
            break
        time.sleep(0.02)
    assert server.started
    yield made
    server.should_exit = True
    thread.join(timeout=10)
    door.close()
    os.environ.pop("ANHUAN_ORIGIN")


@dataclass
class Watch:
    """What a page did that no page of ours may do, and what it cost on the wire."""

    violations: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    def hear(self, kind: str, text: str) -> None:
        """An error on the console, but for the line the browser writes by itself under every 404 and 422 of ours."""
        if kind == "error" and not text.startswith("Failed to load resource: the server responded with a status of 4"):
            self.complaints.append(text)

    def is_calm(self) -> None:
        assert self.violations == []
        assert self.complaints == []


Open = Callable[..., tuple[Page, Watch]]


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Open]:
    """Open a page of the site on a phone (or as told), watched; at the end nothing may have been violated.

    LOCAL_USER is signed in on it, except where the door is one at which strangers stand.
    """
    contexts: list[BrowserContext] = []
    watches: list[Watch] = []

    def opened(path: str = "/", *, scripts: bool = True, size: dict[str, int] | None = None) -> tuple[Page, Watch]:
        context = browser.new_context(
            viewport=size or PHONE,  # type: ignore[arg-type]
            device_scale_factor=2,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            has_touch=size is None,
            java_script_enabled=scripts,
            accept_downloads=True,
        )
        page, watch = context.new_page(), Watch()
        page.set_default_timeout(PATIENCE)
        contexts.append(context)
        watches.append(watch)
        if not path.startswith(OPEN_DOORS):
            name, _, token = sign_in(site.engine, now=site.now()).partition("=")
            place = site.address.replace("http:", "https:")  # Secure, and the browser trusts http://localhost as much
            context.add_cookies([{"name": name, "value": token, "url": place, "httpOnly": True, "sameSite": "Lax"}])
        if scripts:
            page.expose_function("anhuanViolation", lambda said: watch.violations.append(said))
            page.add_init_script(
                "addEventListener('securitypolicyviolation', e =>"
                " anhuanViolation(e.violatedDirective + ' ' + (e.blockedURI || e.sourceFile)), true)"
            )
        page.on("console", lambda said: watch.hear(said.type, said.text))
        page.on("pageerror", lambda error: watch.complaints.append(str(error)))
        page.on("response", lambda answer: watch.responses.append(answer))
        page.goto(site.address + path)
        return page, watch

    yield opened
    for context in contexts:
        context.close()
    for watch in watches:
        watch.is_calm()


def axe(page: Page) -> list[str]:
    """Rules of WCAG A and AA that the page fails, with the first node of each; reads axe through the debugger."""
    need(AXE.exists(), "needs axe-core in node_modules: make setup (uv pip install --no-build-isolation -e .)")
    session = page.context.new_cdp_session(page)
    node = "n.target.join(' ') + ' | ' + n.html.slice(0, 160) + ' | ' + n.failureSummary.slice(0, 200)"
    rule = f"({{id: v.id, nodes: v.nodes.map(n => {node})}})"
    asked = f"axe.run(document, {{runOnly: {TAGS}}}).then(r => JSON.stringify(r.violations.map(v => {rule})))"
    page.wait_for_load_state()
    session.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    answer: Any = session.send("Runtime.evaluate", {"expression": asked, "awaitPromise": True, "returnByValue": True})
    assert "value" in answer["result"], f"the page was replaced while it was looked at: {answer}"
    found = json.loads(answer["result"]["value"])
    return [f"{one['id']}: {len(one['nodes'])} x {one['nodes'][0]}" for one in found]


def shot(page: Page, name: str) -> None:
    """A picture for people to look at; no test compares pixels, so where nobody looks (CI) none is drawn."""
    if os.environ.get("CI"):
        return
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)


def no_sideways(page: Page) -> None:
    """The page does not scroll to the side; a page that a tap has just begun to open is waited for."""
    page.wait_for_load_state()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"
