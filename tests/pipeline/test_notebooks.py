"""A notebook as a page: what it shows needs no kernel, and is there for those who cannot see it."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from riskml.pipeline.notebooks import Kernel, execute_notebook, to_html
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


def test_an_optional_section_that_shows_nothing_is_not_on_the_page(tmp_path):
    optional = {"tags": ["optional"]}
    shown = [new_output("stream", text="1998")]
    cells = [
        new_markdown_cell("## The panel", metadata=optional),
        new_code_cell("if panel: show()", metadata=optional),
        new_markdown_cell("## Over time", metadata=optional),
        new_code_cell("dates", metadata=optional, outputs=shown),
        new_markdown_cell("## Kept"),
        new_code_cell("finish()"),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "a.ipynb")
    page = to_html(tmp_path / "a.ipynb").read_text(encoding="utf-8")
    assert "The panel" not in page
    assert "Over time" in page
    assert "Kept" in page


def test_the_contents_of_the_model_document_lead_to_its_sections(tmp_path):
    source = nbformat.read(Path(__file__).parents[2] / "notebooks" / "3_validation.ipynb", as_version=4)
    nbformat.write(source, tmp_path / "a.ipynb")
    page = to_html(tmp_path / "a.ipynb").read_text(encoding="utf-8")
    links = re.findall(r'<li><a href="#([^"]+)"', page)
    assert len(links) == 10
    assert [link for link in links if f'id="{link}"' not in page] == []


def test_code_is_folded_until_its_box_is_ticked(page):
    assert "show()" in re.sub("<[^>]*>", "", page)
    assert page.index('<input type="checkbox" autocomplete="off"> show the code') < page.index("<b>all bins</b>")
    assert page.count("riskml-code input:not(:checked)) .jp-CodeCell .jp-Cell-inputWrapper") == 1


def test_a_page_runs_no_script_and_loads_nothing(page):
    assert "<script" not in page
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//[^"'> ]*""", page)
    assert not re.findall(r"""@import|url\(["']?(?:https?:)?//[^)]*""", page)


@pytest.mark.parametrize("seconds", [3600.01, float("inf")])
def test_a_cell_may_take_any_time_that_is_said(tmp_path, seconds):
    source = tmp_path / "a.ipynb"
    cells = [new_code_cell("n: int = 1", metadata={"tags": ["parameters"]}), new_code_cell("assert n == 2")]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernelspec}), source)
    heard: list[int] = []
    count = execute_notebook(
        source,
        tmp_path / "done.ipynb",
        {"n": 2},
        kernel=Kernel(source, tmp_path),
        cell_seconds=seconds,
        listen=lambda cell, cells, heading: heard.append(cell),
    )
    assert count == 3  # one more: the parameters that were handed in
    assert heard == [0, 1, 2]
