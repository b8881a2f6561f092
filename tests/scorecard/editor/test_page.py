"""The bin editor in a real browser: its page, with the Python behind it, in a window of headless Chromium."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from riskml.scorecard import OptimalBinner
from riskml.scorecard import editor as editor_package
from riskml.scorecard.editor import BinEditor

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
HOSTILE = '<img src=x onerror="document.title=1">'
FOLDER = Path(editor_package.__file__).parent

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no chromium and chromedriver on this machine: the editor's page is not tried"
)

# What a notebook does for a widget, in a few lines: a model that has the page, and sends clicks to Python.
HOST = """<!doctype html><meta charset="utf-8"><title>bins</title><link rel="stylesheet" href="editor.css">
<div id="here"></div><script type="module">
import widget from "./editor.js";
const listeners = [];
let page = await (await fetch("page")).json();
const model = {
  get: () => page, on: (_, act) => listeners.push(act), off: () => {},
  send: async (asked) => {
    page = await (await fetch("act", { method: "POST", body: JSON.stringify(asked) })).json();
    listeners.forEach((act) => act());
  },
};
widget.render({ model, el: document.getElementById("here") });
</script>"""


def _handler(editor: BinEditor) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            if name in ("editor.js", "editor.css"):
                kind = "text/javascript" if name.endswith("js") else "text/css"
                self._answer(kind, (FOLDER / name).read_text(encoding="utf-8"))
            elif name == "page":
                self._answer("application/json", json.dumps(editor.page))
            else:
                self._answer("text/html", HOST)

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            editor._handle_msg({"content": {"data": {"method": "custom", "content": asked}}, "buffers": []})
            self._answer("application/json", json.dumps(editor.page))

        def _answer(self, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1080,1000",
    ):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def binner() -> tuple[OptimalBinner, pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(5)
    X = pd.DataFrame(
        {
            "月收入": np.where(rng.random(3000) < 0.05, np.nan, rng.gamma(4, 30, 3000).round(1)),
            "home": rng.choice(["own", "rent", "与父母同住", HOSTILE], 3000, p=[0.5, 0.3, 0.15, 0.05]),
        }
    )
    risk = 1 / (1 + np.exp(X["月收入"].fillna(80) / 40 - 1.5 - 0.6 * (X["home"] != "own")))
    y = (rng.random(3000) < risk).astype(int)
    return OptimalBinner().fit(X, y), X, y


@pytest.fixture
def editor(binner) -> BinEditor:
    return BinEditor(*binner, column="月收入")


@pytest.fixture
def page(browser: webdriver.Chrome, editor: BinEditor) -> Iterator[webdriver.Chrome]:
    with _served(editor, browser):
        yield browser


@contextmanager
def _served(editor: BinEditor, browser: webdriver.Chrome) -> Iterator[None]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(editor))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    browser.get(f"http://127.0.0.1:{server.server_port}/")
    _wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "tbody tr"))
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _wait(browser: webdriver.Chrome, ready) -> None:
    WebDriverWait(browser, 10, poll_frequency=0.05).until(lambda _: ready())


def _read(browser: webdriver.Chrome, what: str) -> str:
    # In one step: the page is made anew after each change, and an element that was found may be gone.
    return browser.execute_script(f"const at = (name) => document.querySelector(name); return {what}")


def _fact(browser: webdriver.Chrome, key: str) -> str:
    return _read(browser, f"at('[data-fact={key}] strong').textContent")


def _labels(browser: webdriver.Chrome) -> list[str]:
    return browser.execute_script("return [...document.querySelectorAll('tbody th')].map((cell) => cell.textContent)")


def _key(browser: webdriver.Chrome, key: str):
    return browser.find_element(By.CSS_SELECTOR, f"[data-key='{key}']")


def _code(browser: webdriver.Chrome) -> str:
    return _read(browser, "at('textarea').value")


def _said(browser: webdriver.Chrome) -> str:
    return _read(browser, "at('[role=status]').textContent")


def test_two_bins_are_merged_by_a_click_and_the_code_says_so(page, editor):
    before, bins = float(_fact(page, "iv")), len(_labels(page))
    splits = list(editor._session.draft.splits)
    _key(page, "merge-1").click()
    _wait(page, lambda: len(_labels(page)) == bins - 1)
    assert float(_fact(page, "iv")) < before
    assert _fact(page, "iv") == f"{editor.table['iv'].sum():.3f}"
    scope: dict[str, object] = {}
    exec(_code(page), scope)
    assert scope["overrides"] == {"月收入": {"splits": pytest.approx([splits[0], *splits[2:]])}}
    assert scope["overrides"] == editor.overrides


def test_a_bin_is_split_at_a_value_that_is_typed(page, editor):
    field = _key(page, "at-0")
    field.send_keys("33.33", Keys.ENTER)
    _wait(page, lambda: any("33.33" in label for label in _labels(page)))
    assert 33.33 in editor.overrides["月收入"]["splits"]
    assert _said(page).startswith("Split: information value")


@pytest.mark.parametrize(("typed", "answer"), [("nonsense", "a number is needed"), ("1e9", "does not lie inside")])
def test_what_cannot_be_done_is_said_and_changes_nothing(page, editor, typed, answer):
    labels = _labels(page)
    _key(page, "at-0").send_keys(typed, Keys.ENTER)
    _wait(page, lambda: answer in _said(page))
    assert _labels(page) == labels
    assert editor.overrides == {}
    # What was typed stays, to be corrected.
    assert _read(page, "at('[data-key=at-0]').value") == typed


def test_a_click_into_the_picture_cuts_there_and_a_click_on_a_cut_merges(page, editor):
    bins = len(_labels(page))
    part = page.find_elements(By.CSS_SELECTOR, "svg .part.acts .room")[3]
    ActionChains(page).move_to_element(part).click().perform()
    _wait(page, lambda: len(_labels(page)) == bins + 1)
    cut = page.find_elements(By.CSS_SELECTOR, "svg .cut .knob")[-1]
    ActionChains(page).move_to_element(cut).click().perform()
    _wait(page, lambda: len(_labels(page)) == bins)


def test_undo_redo_and_reset_go_back_and_forth(page, editor):
    start = _labels(page)
    assert not _key(page, "undo").is_enabled()
    _key(page, "merge-0").click()
    _wait(page, lambda: _labels(page) != start)
    merged = _labels(page)
    _key(page, "undo").click()
    _wait(page, lambda: _labels(page) == start)
    _key(page, "redo").click()
    _wait(page, lambda: _labels(page) == merged)
    _key(page, "reset").click()
    _wait(page, lambda: _labels(page) == start)
    assert _code(page) == "overrides = {}"


def test_the_keyboard_alone_is_enough(page, editor):
    start = _labels(page)
    page.execute_script("document.querySelector('[data-key=merge-2]').focus()")
    ActionChains(page).send_keys(Keys.ENTER).perform()
    _wait(page, lambda: _labels(page) != start)
    # The focus did not fall back to the top of the page.
    assert page.switch_to.active_element.get_attribute("data-key").startswith("merge-")
    ActionChains(page).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    _wait(page, lambda: _labels(page) == start)


def test_choosing_among_groups_by_the_keyboard_merges_nothing(page, editor):
    Select(_key(page, "column")).select_by_value("home")
    _wait(page, lambda: "own" in "".join(_labels(page)))
    page.execute_script("document.querySelector('[data-key=with-0]').focus()")
    ActionChains(page).send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN).perform()
    page.execute_script("document.querySelector('[data-key=join-0]').focus()")
    assert editor.edits == {}
    ActionChains(page).send_keys(Keys.ENTER).perform()
    _wait(page, lambda: "home" in editor.edits)


def test_a_double_click_is_one_change(page, editor):
    bins = len(_labels(page))
    page.execute_script("const key = document.querySelector('[data-key=merge-1]'); key.click(); key.click()")
    _wait(page, lambda: len(_labels(page)) < bins)
    time.sleep(0.3)
    assert len(_labels(page)) == bins - 1


def test_a_refusal_leaves_the_page_alive(page, editor):
    for _ in range(2):
        _key(page, "at-0").clear()
        _key(page, "at-0").send_keys("nonsense", Keys.ENTER)
        _wait(page, lambda: "a number is needed" in _said(page) and not _read(page, "at('[aria-busy]')"))
    bins = len(_labels(page))
    _key(page, "merge-1").click()
    _wait(page, lambda: len(_labels(page)) == bins - 1)


def test_a_kernel_that_does_not_answer_is_told(page, editor, monkeypatch):
    page.execute_script("window.fetch = () => new Promise(() => {})")
    _key(page, "merge-1").click()
    _wait(page, lambda: "kernel does not answer" in _said(page))


def test_no_control_leaves_its_keys_to_jupyterlab(page, editor):
    Select(_key(page, "column")).select_by_value("home")
    _wait(page, lambda: "own" in "".join(_labels(page)))
    left = page.execute_script(
        "return [...document.querySelectorAll('button, input, select, textarea')]"
        ".filter((control) => control.dataset.lmSuppressShortcuts !== 'true').length"
    )
    assert left == 0


def test_many_levels_are_behind_one_more_and_can_be_found(browser):
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"branch": [f"branch {at:03d}" for at in rng.integers(0, 120, 6000)]})
    y = (rng.random(6000) < 0.3).astype(int)
    editor = BinEditor(OptimalBinner(max_bins=2, rare_share=0).fit(X, y), X, y)
    with _served(editor, browser):
        assert len(browser.find_elements(By.CSS_SELECTOR, "tbody tr:first-child .chips button")) == 12
        _key(browser, "more-0").click()
        level = editor.page["bins"][0]["levels"][30]
        _key(browser, "find-0").send_keys(level)
        (found,) = browser.find_elements(By.CSS_SELECTOR, "tbody tr:first-child .chips button")
        found.click()
        _wait(browser, lambda: [level] in editor.overrides.get("branch", {"groups": []})["groups"])


def test_a_narrow_pane_moves_the_table_and_not_the_page(page):
    page.execute_script("document.body.style.width = '480px'")
    wide, shown = page.execute_script(
        "const box = document.querySelector('.scroll'); return [box.scrollWidth, box.clientWidth]"
    )
    assert wide > shown
    assert page.execute_script("return document.querySelector('.riskml-bins').scrollWidth") <= 490


def test_every_control_has_a_name_for_those_who_hear_the_page(page):
    named = page.execute_script(
        "return [...document.querySelectorAll('button, input, select, textarea, svg')]"
        ".map((control) => control.getAttribute('aria-label'))"
    )
    assert all(named)


def test_levels_are_grouped_and_what_they_are_called_cannot_act(page, editor):
    Select(_key(page, "column")).select_by_value("home")
    _wait(page, lambda: _fact(page, "bins") == str(editor._session.draft.bins.regular))
    _wait(page, lambda: "own" in "".join(_labels(page)))
    assert any(HOSTILE in label for label in _labels(page))
    assert not page.find_elements(By.TAG_NAME, "img")
    assert page.title == "bins"
    bins = len(_labels(page))
    assert not _key(page, "join-0").is_enabled()
    Select(_key(page, "with-0")).select_by_index(1)
    _key(page, "join-0").click()
    _wait(page, lambda: len(_labels(page)) == bins - 1)
    assert "与父母同住" in _code(page)
    page.find_element(By.CSS_SELECTOR, "[data-key^=level-0-]").click()
    _wait(page, lambda: len(_labels(page)) == bins)


def test_the_code_is_shown_as_yaml_too_and_copied(page, editor):
    _key(page, "merge-0").click()
    _wait(page, lambda: "splits" in _code(page))
    _key(page, "as-yaml").click()
    _wait(page, lambda: "models: fixed: scorecard:" in _code(page))
    assert _code(page) == editor.code("yaml")
    _key(page, "as-edit").click()
    _wait(page, lambda: _code(page).startswith("card = card.edit("))
    assert _code(page) == editor.code("edit")
    _key(page, "copy").click()
    _wait(page, lambda: "Copied" in _read(page, "at('[data-key=copy]').textContent"))


def test_the_page_reports_no_error(page):
    severe = [entry["message"] for entry in page.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []
