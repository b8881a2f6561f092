from __future__ import annotations

import gzip
import sys

import numpy as np
import pandas as pd
import pytest

from riskml.runtime import tables
from riskml.runtime.batch import explain_file, score_file
from riskml.runtime.command import main
from riskml.runtime.package import Artifact, PackageError


@pytest.fixture(scope="module")
def artifact(artifacts):
    return Artifact.load(artifacts["blend"])


@pytest.fixture
def book(loans, tmp_path):
    path = tmp_path / "book.csv"
    loans.to_csv(path)
    return path


def read(path):
    return pd.read_csv(path)


@pytest.fixture(params=[90, 50_000], ids=["small chunks", "one chunk"])
def chunks(request, monkeypatch):
    monkeypatch.setattr(tables, "CHUNK", request.param)


@pytest.mark.usefixtures("chunks")
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".parquet"])
def test_a_file_scores_to_the_last_bit_as_its_table_does(suffix, artifact, loans, tmp_path):
    source = tmp_path / f"book{suffix}"
    if suffix == ".parquet":
        loans.to_parquet(source)
    else:
        loans.to_csv(source, sep="\t" if suffix == ".tsv" else ",")
    rows = score_file(artifact, source, tmp_path / "scores.csv", id_column="customer")
    scores = read(tmp_path / "scores.csv").set_index("customer")
    expected = artifact.score(loans)
    assert rows == len(loans)
    assert scores.columns.tolist() == ["probability", "tier"]
    assert scores.index.tolist() == loans.index.tolist()
    np.testing.assert_array_equal(scores["probability"], expected["probability"])
    assert scores["tier"].tolist() == expected["tier"].tolist()


@pytest.mark.usefixtures("chunks")
def test_a_parquet_of_scores_holds_the_same(artifact, loans, book, tmp_path):
    score_file(artifact, book, tmp_path / "scores.parquet")
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert scores["row"].tolist() == list(range(1, len(loans) + 1))
    np.testing.assert_array_equal(scores["probability"], artifact.score(loans)["probability"])


@pytest.mark.usefixtures("chunks")
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_reasons_of_a_file_are_those_of_its_table(suffix, artifact, loans, book, tmp_path):
    output = tmp_path / f"reasons{suffix}"
    explain_file(artifact, book, output, id_column="customer", n=2)
    reasons = read(output) if suffix == ".csv" else pd.read_parquet(output)
    expected = artifact.explain(loans, n=2)
    assert reasons["customer"].tolist() == expected["customer"].tolist()
    assert reasons["column"].tolist() == expected["column"].tolist()
    np.testing.assert_array_equal(reasons["contribution"], expected["contribution"])


def test_a_chunk_without_reasons_does_not_spoil_a_parquet(artifact, loans, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "CHUNK", 1)
    best = loans.loc[[artifact.score(loans)["probability"].idxmin()]]
    worst = loans.loc[[artifact.score(loans)["probability"].idxmax()]]
    pd.concat([best.assign(Age=np.nan), worst, best]).to_csv(tmp_path / "book.csv")
    explain_file(artifact, tmp_path / "book.csv", tmp_path / "reasons.parquet", id_column="customer", n=1)
    assert worst.index[0] in pd.read_parquet(tmp_path / "reasons.parquet")["customer"].tolist()


def test_levels_are_what_training_saw_however_a_file_writes_them(artifact, tmp_path):
    # "None" is a level of this model, and no empty cell; "NA" is one.
    (tmp_path / "a.csv").write_text("Home;Age;Income\nNone;30;1e2\nNA;30;100.0\n;30;100\n")
    score_file(artifact, tmp_path / "a.csv", tmp_path / "b.csv")
    same = pd.DataFrame({"Home": ["None", None, None], "Age": 30, "Income": 100.0})
    np.testing.assert_array_equal(read(tmp_path / "b.csv")["probability"], artifact.score(same)["probability"])


@pytest.mark.parametrize(
    ("text", "known", "level"),
    [("007", ["7"], "7"), ("007", ["007", "7"], "007"), ("7.0", ["7"], "7"), ("true", ["True"], "True")]
    + [("1.50", ["1.5"], "1.5"), ("castle", ["7"], "castle"), ("1e999", ["7"], "1e999"), ("nan", ["7"], "nan")],
)
def test_a_cell_s_level_does_not_depend_on_the_rest_of_its_column(text, known, level):
    assert tables._known_level(text, set(known)) == level


FORMULAS = ["=cmd|'/C calc'!A0", "+1+1", "-x", "@sum", "\tx"]
PLAIN = ["-5", "+4.5e3", "plain"]


@pytest.fixture
def formulas(tmp_path):
    """Return a file whose identifiers, and the name of their column, a spreadsheet would run."""
    frame = pd.DataFrame({"=id": [*FORMULAS, *PLAIN], "Age": 25, "Income": -1.0, "Home": "=cmd|'x'!A1"})
    frame.to_csv(tmp_path / "in.csv", index=False)
    return tmp_path / "in.csv"


def texts(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_text_that_a_spreadsheet_would_run_is_written_as_it_was_read(artifact, formulas, tmp_path):
    assert main(["score", str(formulas), "-o", str(tmp_path / "out.csv"), "--id", "=id"], artifact) == 0
    assert texts(tmp_path / "out.csv")["=id"].tolist() == [*FORMULAS, *PLAIN]


def test_it_is_written_with_an_apostrophe_on_request_and_numbers_without(artifact, formulas, tmp_path, capsys):
    escape = ["--id", "=id", "--escape-formulas"]
    assert main(["score", str(formulas), "-o", str(tmp_path / "out.csv"), *escape], artifact) == 0
    assert texts(tmp_path / "out.csv")["'=id"].tolist() == [f"'{text}" for text in FORMULAS] + PLAIN
    assert main(["explain", str(formulas), "-o", str(tmp_path / "why.csv"), *escape], artifact) == 0
    values = texts(tmp_path / "why.csv").groupby("column")["value"].first()
    assert values["Income"] == "-1"
    assert values["Home"] == "'=cmd|'x'!A1"
    capsys.readouterr()
    assert main(["schema"], artifact) == 0
    assert "\nHome,categorical,,,,,=cmd" in capsys.readouterr().out
    assert main(["schema", "--escape-formulas"], artifact) == 0
    assert "\nHome,categorical,,,,,'=cmd" in capsys.readouterr().out


def test_identifiers_keep_their_zeros_and_blanks(artifact, tmp_path):
    (tmp_path / "in.csv").write_text(
        'id,Age,Income,Home\n007,25,1,rent\n NA ,25,1,rent\nNA,25,1,rent\n"a,b",25,1,rent\n'
    )
    score_file(artifact, tmp_path / "in.csv", tmp_path / "out.csv", id_column="id")
    written = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)["id"].tolist()
    assert written == ["007", " NA ", "NA", "a,b"]


@pytest.mark.parametrize("task", ["score", "explain"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_without_rows_ends_with_2_and_leaves_an_earlier_output(suffix, task, artifact, loans, tmp_path, capsys):
    empty, source, output = loans.iloc[:0], tmp_path / f"in{suffix}", tmp_path / "out.csv"
    empty.to_csv(source, index=False) if suffix == ".csv" else empty.to_parquet(source)
    output.write_text("of yesterday")
    assert main([task, str(source), "-o", str(output)], artifact) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {source}: the table has no rows")
    assert said.count("\n") == 1
    assert output.read_text() == "of yesterday"


def test_a_table_without_rows_gives_scores_without_rows(artifact, loans):
    assert artifact.score(loans.iloc[:0]).shape == (0, 2)


@pytest.mark.parametrize(("packed", "fix"), [(False, "iconv 'in.csv' -f"), (True, "gzip -dc 'in.csv.gz' | iconv -f")])
def test_a_file_that_is_not_utf8_is_named_with_the_line_the_byte_and_a_mend(packed, fix, artifact, tmp_path, capsys):
    content = f"{HEADER}1,2,rent,a\n1,2,m\xfcnchen,a\n".encode("latin-1")
    source = tmp_path / ("in.csv.gz" if packed else "in.csv")
    source.write_bytes(gzip.compress(content) if packed else content)
    assert main(["score", str(source), "-o", str(tmp_path / "out.csv")], artifact) == 2
    said = capsys.readouterr().err
    assert f"{source}, line 3" in said
    assert "byte 0xfc at position 6" in said
    assert f"{fix} WINDOWS-1252 -t UTF-8" in said


def test_a_byte_order_mark_and_blanks_around_names_are_no_part_of_them(artifact, tmp_path):
    (tmp_path / "in.csv").write_bytes(b"\xef\xbb\xbfAge, Income ,Home\r\n30,100,rent\r\n")
    assert score_file(artifact, tmp_path / "in.csv", tmp_path / "out.csv") == 1


HEADER = "Age,Income,Home,x\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "has no header"),
        (b"Age,Income\n1,2\n", r"columns missing: 'Home'; the file has 'Age', 'Income'"),
        (b"Age,Income,Home,Age\n1,2,rent,3\n", "duplicate columns: 'Age'"),
        (f"{HEADER}1,2,rent,a\n1,two,rent,a\n".encode(), "column 'Income', row 2: 'two' is not a number"),
        (f"{HEADER}1,inf,rent,a\n".encode(), "column 'Income', row 1: inf is not finite"),
        (f"{HEADER}1,2,rent,a\n1,2\n".encode(), "the header has 4 fields, and line 3 has 2"),
        (f"{HEADER}1,2,rent,a\n1,2,rent,a,b\n".encode(), "the header has 4 fields, and line 3 has 5"),
        (f"{HEADER}1,2,rent,a,b\n".encode(), "the header has 4 fields, and line 2 has 5"),
        (f'{HEADER}1,2,"rent,a\n1,2,rent,a\n'.encode(), "cannot separate the rows|has 4 fields"),
        (f"{HEADER}1,2,m\xfcnchen,a\n".encode("latin-1"), "is not UTF-8"),
        ("Age,Home\n30,华北\n".encode("gbk"), "-f GB18030"),
        (b"PK\x03\x04", "an Excel workbook"),
        (b"\xff\xfeA\x00g\x00e\x00", "is not UTF-8"),
    ],
)
def test_a_csv_that_cannot_be_scored_gives_one_message_and_no_file(content, message, artifact, tmp_path):
    (tmp_path / "in.csv").write_bytes(content)
    with pytest.raises(PackageError, match=message) as caught:
        score_file(artifact, tmp_path / "in.csv", tmp_path / "out.csv")
    assert "in.csv" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_bad_row_in_a_later_chunk_leaves_an_earlier_output_as_it_was(artifact, loans, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "CHUNK", 10)
    frame = loans.astype({"Age": object})
    frame.iloc[200, 0] = "old"
    frame.to_csv(tmp_path / "in.csv")
    (tmp_path / "out.csv").write_text("of yesterday")
    with pytest.raises(PackageError, match="column 'Age', row 201: 'old' is not a number"):
        score_file(artifact, tmp_path / "in.csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "of yesterday"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_truncated_files_are_refused(artifact, loans, tmp_path):
    loans.to_parquet(tmp_path / "whole.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "whole.parquet").read_bytes()[:-200])
    packed = gzip.compress(loans.to_csv().encode())
    (tmp_path / "cut.csv.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "no.csv.gz").write_bytes(b"Age,Income,Home\n1,2,rent\n")
    for name, message in (("cut.parquet", "as Parquet"), ("cut.csv.gz", "decompress"), ("no.csv.gz", "decompress")):
        with pytest.raises(PackageError, match=message):
            score_file(artifact, tmp_path / name, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_parquet_without_pyarrow_says_what_to_install(artifact, loans, book, tmp_path, monkeypatch):
    loans.to_parquet(tmp_path / "in.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for source, output in ((tmp_path / "in.parquet", "out.csv"), (book, "out.parquet")):
        with pytest.raises(PackageError, match="pip install pyarrow"):
            score_file(artifact, source, tmp_path / output)


def test_names_that_cannot_be_used_are_refused(artifact, book, tmp_path):
    for source, output, message in (
        (tmp_path / "absent.csv", "out.csv", "does not exist"),
        (tmp_path, "out.csv", "directory"),
        (book.rename(tmp_path / "book.xlsx"), "out.csv", r"expected \.csv"),
        (tmp_path / "book.xlsx", "out.xlsx", r"must end in \.csv or \.parquet"),
    ):
        with pytest.raises(PackageError, match=message):
            score_file(artifact, source, tmp_path / output)


def test_the_output_never_replaces_the_input(artifact, book):
    before = book.read_bytes()
    with pytest.raises(PackageError, match="would replace the input"):
        score_file(artifact, book, book)
    assert book.read_bytes() == before


def test_an_identifier_named_like_a_result_is_refused(artifact, loans, tmp_path):
    loans.assign(tier="gold").to_csv(tmp_path / "in.csv")
    with pytest.raises(PackageError, match="name of a result column, 'tier'"):
        score_file(artifact, tmp_path / "in.csv", tmp_path / "out.csv", id_column="tier")


def test_the_command_scores_and_ends_with_0(artifact, book, tmp_path, capsys):
    code = main(["score", str(book), "-o", str(tmp_path / "out.csv"), "--id", "customer"], artifact)
    assert code == 0
    assert "300 customers scored" in capsys.readouterr().err
    assert len(read(tmp_path / "out.csv")) == 300


def test_the_command_explains_as_many_reasons_as_asked_for(artifact, book, tmp_path):
    assert main(["explain", str(book), "-o", str(tmp_path / "out.csv"), "-n", "1"], artifact) == 0
    assert read(tmp_path / "out.csv")["rank"].unique().tolist() == [1]


def test_the_command_prints_the_schema_as_csv(artifact, capsys, tmp_path):
    assert main(["schema"], artifact) == 0
    (tmp_path / "schema.csv").write_text(capsys.readouterr().out)
    schema = pd.read_csv(tmp_path / "schema.csv", index_col="name")
    assert schema.index.tolist() == ["Age", "Income", "Home"]
    assert schema.loc["Home", "levels"] == "=cmd|'x'!A1; None; owner; rent"


def test_the_command_prints_its_version(artifact, capsys):
    assert main(["--version"], artifact) == 0
    assert capsys.readouterr().out.split()[-1] == "1.2.3"


@pytest.mark.parametrize(
    "words",
    [
        ["score", "absent.csv", "-o", "out.csv"],
        ["score", "book.csv", "-o", "out.csv", "--id", "nobody"],
        ["score", "book.csv", "-o", "no/such/folder/out.csv"],
        ["explain", "book.csv", "-o", "out.csv", "-n", "0"],
        ["score", "book.csv", "-o", "."],
    ],
)
def test_wrong_input_ends_with_2_one_message_and_no_traceback(words, artifact, book, capsys, monkeypatch):
    monkeypatch.chdir(book.parent)
    assert main(words, artifact) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err
    assert [path.name for path in book.parent.iterdir()] == ["book.csv"]


@pytest.mark.parametrize("words", [[], ["score"], ["score", "book.csv"], ["grow"]])
def test_a_command_that_is_not_understood_ends_with_2(words, artifact, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words, artifact)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_unseen_levels_and_missing_cells_beyond_training_are_counted(artifact, loans, tmp_path, capsys):
    kinds = artifact.model.kinds
    number, category = (next(n for n in kinds if kinds[n] == kind) for kind in ("numeric", "categorical"))
    changed = loans.reset_index(drop=True)
    changed[category] = changed[category].astype(object).where(changed.index > 2, "unheard of")
    changed[number] = changed[number].where(changed.index >= 200)
    changed.to_csv(tmp_path / "in.csv")
    assert main(["score", str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")], artifact) == 0
    lines = capsys.readouterr().err.splitlines()
    assert f"warning: column {category!r}: 3 rows (1.0%) of an unseen level" in lines
    assert any(line.startswith(f"warning: column {number!r}: 200 rows missing (66.7%; ") for line in lines)
    assert len(lines) == 3


def test_cells_like_those_of_training_are_not_counted(artifact, book, tmp_path, capsys):
    main(["score", str(book), "-o", str(tmp_path / "out.csv")], artifact)
    assert "warning" not in capsys.readouterr().err
