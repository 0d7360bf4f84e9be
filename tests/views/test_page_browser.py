"""The page in a real browser: silent, closed to the outside, for keyboard, phone and printer."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retryctl.core.summary.request_row import request_rows
from retryctl.views.html.request_list import list_page
from retryctl.views.html.trace import trace_page
from retryctl.views.trace_answer import TraceAnswer
from tests.support import checked_requests as world
from tests.support.hostile import hostile_request
from tests.support.random_cases import LONG
from tests.views.test_page_summary import changed_page, hostile_tally, page_of, tallied

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# It is to ask for nothing from a network, not even of its own accord.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SEVERAL = "".join(
    trace_page(
        TraceAnswer(
            checked=[
                *(world.SWITCHED, world.SUCCEEDED, world.RECOVERED, world.PENDING),
                *(world.RUNNING, world.UNDETERMINED, world.MENTIONED),
            ],
            coverage=replace(world.COVERAGE, gaps=(world.GAP,)),
            not_found=(world.ID,),
        )
    )
)
HOSTILE = "".join(trace_page(TraceAnswer(checked=[hostile_request()], coverage=world.COVERAGE)))
PAGES = {
    "several": SEVERAL,
    "hostile": HOSTILE,
    "summary": page_of(tallied()),
    "several functions": changed_page(),
    "list": "".join(
        list_page(
            [
                row
                for one in (world.SWITCHED, world.SUCCEEDED, world.RECOVERED, hostile_request())
                for row in request_rows(one)
            ],
            world.COVERAGE,
            shown="4 of 4 requests",
            tz=UTC,
        )
    ),
    "hostile summary": page_of(hostile_tally()),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with driver.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The accessibility check of axe-core, from its npm package."""
    folder = tmp_path_factory.mktemp("axe")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: axe-core comes from its registry")
    packed = subprocess.run(
        [npm, "pack", "--silent", "axe-core@4"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if packed.returncode:
        pytest.skip(f"npm cannot fetch axe-core: {packed.stderr.strip()[-200:]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as package:
        source = package.extractfile("package/axe.min.js")
        assert source is not None
        return source.read().decode("utf-8")


class Opened:
    """A page in the browser, with whatever it said and asked for."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        self._listeners: dict[Any, Any] = {
            "console": lambda message: self.said.append(message.text),
            "pageerror": lambda error: self.said.append(str(error)),
            "dialog": lambda dialog: self.said.append(dialog.message),
            "request": lambda request: self.asked.append(request.url),
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)
        page.goto(url)

    def close(self) -> None:
        self.page.goto("about:blank")
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)

    def eval(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def unfold(self) -> None:
        self.eval("document.querySelectorAll('details').forEach(one => { one.open = true })")


@pytest.fixture(scope="module")
def only_page(browser: Browser) -> Page:
    """A page for all tests: a new one takes four times as long as the tests themselves."""
    return browser.new_page()


@pytest.fixture
def opened(only_page: Page, tmp_path: Path) -> Iterator[Any]:
    shown = []

    def open_page(source: str, *, width: int = 1100, color_scheme: Any = "light") -> Opened:
        file = tmp_path / "page.html"
        file.write_text(source, encoding="ascii")
        only_page.set_viewport_size({"width": width, "height": 800})
        only_page.emulate_media(media="screen", color_scheme=color_scheme)
        shown.append(Opened(only_page, file.as_uri()))
        return shown[-1]

    yield open_page
    for each in shown:
        each.close()


@pytest.mark.parametrize("name", PAGES)
def test_it_says_nothing_asks_for_nothing_and_fits_the_narrowest_phone(
    opened: Any, name: str
) -> None:
    shown = opened(PAGES[name], width=320)
    shown.unfold()
    assert shown.eval("document.documentElement.scrollWidth") <= 320
    shown.page.wait_for_timeout(200)
    assert shown.said == []
    assert shown.asked == [shown.page.url]


def test_a_hostile_log_line_stays_text(opened: Any) -> None:
    shown = opened(HOSTILE)
    shown.unfold()
    shown.page.wait_for_timeout(200)
    assert shown.eval("window.broken") is None
    assert shown.eval("document.scripts.length") == 0
    assert "<script>window.broken = 1</script>" in shown.eval("document.body.innerText")
    attributes = shown.eval(
        "[...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames())"
    )
    assert not [name for name in attributes if name.startswith("on") or name == "style"]
    links = shown.eval("[...document.querySelectorAll('[href]')].map(one => one.protocol)")
    assert set(links) == {"file:"}


def test_the_policy_would_stop_what_escaping_let_through(opened: Any) -> None:
    planted = (
        "<script>window.broken = 1</script>"
        "<svg onload='window.broken = 2'></svg><img src=x onerror='window.broken = 3'>"
        "<p id=planted style='color: rgb(1, 2, 3)'>planted</p>"
    )
    shown = opened(SEVERAL.replace("</main>", f"{planted}</main>"))
    shown.page.wait_for_timeout(200)
    assert shown.eval("window.broken") is None
    colour = "getComputedStyle(document.getElementById('planted')).color"
    assert shown.eval(colour) != "rgb(1, 2, 3)"
    assert any("Content Security Policy" in said for said in shown.said)


def test_lines_unfold_and_fold_from_the_keyboard(opened: Any) -> None:
    shown = opened(
        "".join(trace_page(TraceAnswer(checked=[world.SWITCHED], coverage=world.COVERAGE)))
    )
    reached = "document.activeElement.closest('details.log > summary') !== null"
    for _ in range(20):
        shown.page.keyboard.press("Tab")
        if shown.eval(reached):
            break
    assert shown.eval(reached)
    lines = shown.page.locator("details.log pre").first
    assert not lines.is_visible()
    shown.page.keyboard.press("Enter")
    assert lines.is_visible()
    has_text = "element => element.innerText.includes('process A')"  # once it is drawn
    shown.page.wait_for_function(has_text, arg=lines.element_handle())
    shown.page.keyboard.press("Space")
    assert not lines.is_visible()


def test_the_first_stop_of_the_keyboard_skips_to_the_content(opened: Any) -> None:
    shown = opened(SEVERAL)
    shown.page.keyboard.press("Tab")
    assert shown.eval("document.activeElement.innerText") == "Skip to the content"
    assert shown.page.locator(".skip").bounding_box()["x"] >= 0
    shown.page.keyboard.press("Enter")
    assert shown.eval("document.activeElement.id") == "main"


def test_where_the_keyboard_is_can_be_seen(opened: Any) -> None:
    shown = opened(SEVERAL)
    outline = "getComputedStyle(document.activeElement)"
    for _ in range(15):
        shown.page.keyboard.press("Tab")
        assert shown.eval(f"{outline}.outlineStyle") == "solid"
        assert shown.eval(f"parseFloat({outline}.outlineWidth)") >= 2


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [
        *((name, "light", 320) for name in PAGES),
        # one style sheet colours all pages
        *((name, "dark", 1100) for name in ("several", "several functions")),
    ],
)
def test_axe_finds_no_barrier(opened: Any, axe: str, name: str, scheme: str, width: int) -> None:
    shown = opened(PAGES[name], width=width, color_scheme=scheme)
    shown.unfold()
    # by the debugger's way in, which no policy of a page applies to
    session = shown.page.context.new_cdp_session(shown.page)
    session.send("Runtime.evaluate", {"expression": axe})
    run = "axe.run().then(found => JSON.stringify(found))"
    answer = session.send("Runtime.evaluate", {"expression": run, "awaitPromise": True})
    found = json.loads(answer["result"]["value"])
    assert len(found["passes"]) > 20
    told = {one["id"]: [node["html"][:200] for node in one["nodes"]] for one in found["violations"]}
    assert told == {}


def test_light_and_dark_follow_the_reader(opened: Any) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = (opened(SEVERAL, color_scheme=one).eval(ground) for one in ("light", "dark"))
    assert _lightness(light) > 200
    assert _lightness(dark) < 50


def test_paper_is_white_and_shows_the_proofs(opened: Any) -> None:
    shown = opened(SEVERAL, color_scheme="dark")
    shown.page.emulate_media(media="print")
    ink = "getComputedStyle(document.body).color"
    assert _lightness(shown.eval(ink)) < 50
    assert shown.page.locator("details.evidence pre").first.bounding_box()["height"] > 10
    assert not shown.page.locator("details.log pre").first.is_visible()
    assert not shown.page.locator(".skip").is_visible()
    assert shown.page.pdf().startswith(b"%PDF-")


def _lightness(colour: str) -> float:
    """The mean of the three numbers of ``rgb(1, 2, 3)``."""
    numbers = [float(one) for one in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    return sum(numbers) / 3


def test_many_lines_open(opened: Any) -> None:
    number_of_lines = 50_000 if LONG else 10_000
    many = tuple(
        world.event(world.FIRST.placed_ms, f"line {number}: order {number * 7} of the batch\n")
        for number in range(number_of_lines)
    )
    attempts = (replace(world.FIRST, events=many), *world.SWITCHED.request.attempts[1:])
    request = replace(world.SWITCHED.request, attempts=attempts)
    checked = replace(world.SWITCHED, request=request)
    shown = opened("".join(trace_page(TraceAnswer(checked=[checked], coverage=world.COVERAGE))))
    assert shown.eval("performance.timing.loadEventEnd - performance.timing.fetchStart") < 5_000
    assert shown.eval("document.querySelectorAll('*').length") < 2_000
    took = shown.eval(
        "(() => { const start = performance.now();"
        " document.querySelector('details.log').open = true;"
        " document.body.getBoundingClientRect();"
        " return performance.now() - start })()"
    )
    assert took < 2_000
    last = shown.page.locator("details.log").first.locator("code").last
    shown.eval("document.querySelector('details.log code:last-child').scrollIntoView()")
    shown.page.wait_for_timeout(500)
    last_number = number_of_lines - 1
    assert f"line {last_number}: order {last_number * 7} of the batch" in last.inner_text()
    assert shown.said == []
