"""A notebook as a page: what it shows needs no kernel, and is there for those who cannot see it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from riskml.execution import to_html
from riskml.report.plots import Picture

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    picture, facts = Picture(1, 1, alt='Points of "age" < 30')._repr_mimebundle_()
    editor = {WIDGET: {"model_id": "gone"}, "text/html": "<b>all bins</b>", "text/plain": "BinEditor"}
    outputs = [
        new_output("display_data", data=picture, metadata=facts),
        new_output("display_data", data=editor),
    ]
    path: Path = tmp_path_factory.mktemp("pages") / "a.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("show()", outputs=outputs)]), path)
    return to_html(path).read_text(encoding="utf-8")


def test_a_widget_is_shown_as_the_html_that_it_has(page):
    assert "<b>all bins</b>" in page
    assert "gone" not in page


def test_a_picture_carries_its_description(page):
    assert 'alt="Points of &quot;age&quot; &lt; 30"' in page
    assert "No description has been provided" not in page


def test_a_page_is_called_as_its_notebook(page):
    assert "<title>a</title>" in page
