from __future__ import annotations

from dataclasses import replace

import openpyxl
import pytest

from riskml.cli import main
from riskml.errors import InputError
from riskml.export.formats import write_all, write_model
from riskml.export.html_excel import sheets
from riskml.export.onnx import to_onnx
from riskml.runtime.package import Artifact


@pytest.fixture(scope="module")
def artifact(artifacts):
    return Artifact.load(artifacts["scorecard"])


def test_the_card_has_a_row_for_every_bin_and_level(artifact):
    card = sheets(artifact)["Card"]
    assert card["column"].value_counts().to_dict() == {"Age": 4, "Income": 4, "Home": 4}
    age = card[card["column"] == "Age"]
    assert age["bin"].tolist() == ["[-∞, 30)", "[30, 45.5)", "[45.5, ∞)", "missing"]
    assert age["points"].tolist() == [20.0, 30.0, 45.0, 31.0]
    assert "code -1" in card["bin"].tolist()


@pytest.mark.parametrize("kind", ["scorecard", "logistic", "tree", "boosting", "ebm", "blend"])
@pytest.mark.parametrize("suffix", [".html", ".xlsx"])
def test_every_family_has_a_card_to_read(kind, suffix, artifacts, tmp_path):
    assert write_model(Artifact.load(artifacts[kind]), tmp_path / f"card{suffix}").stat().st_size > 1000


def test_a_page_escapes_every_text(artifact, tmp_path):
    said = write_model(artifact, tmp_path / "card.html").read_text(encoding="utf-8")
    assert "will &lt;default&gt;?" in said
    assert "<default>" not in said
    assert "=cmd|&#x27;x&#x27;!A1" in said


def test_no_text_of_a_workbook_is_a_formula(artifact, tmp_path):
    risky = replace(artifact, title='=HYPERLINK("x")', statements={"Age": {"en": "=1+1", "zh": "\x07+2"}})
    book = openpyxl.load_workbook(write_model(risky, tmp_path / "card.xlsx"))
    assert {"Model", "Measures", "Tiers", "Card", "Columns", "Statements"} <= set(book.sheetnames)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert "=1+1" in [cell.value for cell in book["Statements"]["B"]]


def test_the_command_writes_what_the_name_asks_for_and_refuses_what_it_does_not_know(artifacts, tmp_path, capsys):
    model = str(artifacts["scorecard"])
    for suffix in (".sql", ".onnx", ".html", ".xlsx"):
        assert main(["export", model, "-o", str(tmp_path / f"m{suffix}")]) == 0
    assert main(["export", model, "-o", str(tmp_path / "m.pmml")]) == 2
    assert main(["export", str(artifacts["boosting"]), "-o", str(tmp_path / "b.sql")]) == 2
    assert main(["export", model, "-o", str(tmp_path / "d.sql"), "--dialect", "oracle"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.html", "m.onnx", "m.sql", "m.xlsx"]


def test_onnx_is_the_same_bytes_again_and_says_what_it_cannot_write(artifact):
    assert to_onnx(artifact) == to_onnx(artifact)

    class Forest:
        kind, kinds = "catboost", {"a": "numeric"}

    with pytest.raises(InputError, match="ONNX of catboost is not written"):
        to_onnx(replace(artifact, model=Forest()))


def test_every_format_is_written_that_a_family_has(artifacts, tmp_path):
    written = write_all(Artifact.load(artifacts["blend"]), tmp_path).set_index("file")["what"]
    assert written["hand_made.sql"].startswith("not written: SQL for")
    assert {path.name for path in tmp_path.iterdir()} == {
        f"hand_made{suffix}" for suffix in (".onnx", ".html", ".xlsx")
    }
