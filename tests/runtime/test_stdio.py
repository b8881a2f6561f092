"""The command between pipes, its card, its proof and its bar."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from riskml.export.wheel import write_package
from riskml.runtime.package import Artifact
from riskml.runtime.progress import Progress
from riskml.runtime.tables import Chunk


@pytest.fixture(scope="module")
def folder(artifacts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    write_package(artifacts["scorecard"], folder)
    return folder


@pytest.fixture
def run(folder):
    def run(*words, given=b""):
        done = subprocess.run(
            [sys.executable, "-m", "riskml_hand_made", *map(str, words)], cwd=folder, input=given,
            env=os.environ | {"PYTHONPATH": ""}, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr.decode())

    return run


def written(loans, kind):
    if kind == "csv":
        return loans.to_csv().encode()
    buffer = io.BytesIO()
    loans.reset_index().to_csv(
        buffer, index=False, compression="gzip"
    ) if kind == "gz" else loans.reset_index().to_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["csv", "gz", "parquet"])
def test_what_comes_by_standard_input_goes_out_by_standard_output(kind, run, artifacts, loans):
    done = run("score", "-", "-o", "-", "--id", "customer", given=written(loans, kind))
    assert (done.code, done.err) == (0, "300 customers scored\n")
    scores = pd.read_csv(io.BytesIO(done.out), index_col="customer")
    expected = Artifact.load(artifacts["scorecard"]).score(loans)
    np.testing.assert_array_equal(scores["probability"], expected["probability"])


def test_reasons_with_statements_go_out_too(run, loans):
    done = run("explain", "-", "-o", "-", "-n", "1", "--language", "zh", given=written(loans, "csv"))
    assert done.code == 0
    reasons = pd.read_csv(io.BytesIO(done.out))
    assert reasons.columns.tolist() == ["row", "rank", "column", "value", "contribution", "statement"]
    assert run("explain", "-", "-o", "-", "-n", "5", "--language", "zh", given=written(loans, "csv")).code == 2


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (b"", "standard input: the file is empty"),
        (b"Age,Income\n1,2\n", "standard input: columns missing: 'Home'"),
        (b"Age,Income,Home\n" + b"1,2,rent\n" * 60_000 + b"old,1,rent\n", "standard input: column 'Age', row 60001"),
        (b"PAR1 cut short", "standard input: cannot read the file as Parquet"),
        (b"\x1f\x8b cut short", "standard input: cannot decompress the file"),
    ],
)
def test_bad_input_is_one_message_and_nothing_goes_out(given, what, run):
    done = run("score", "-", "-o", "-", given=given)
    assert (done.code, done.out) == (2, b"")
    assert done.err.startswith(f"error: {what}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("name", [np.nan, "nan", "None", "<NA>", "NULL", "  "])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_customer_without_an_identifier_is_refused_with_the_row_and_a_mend(kind, name, run, loans, tmp_path):
    book = loans.reset_index()
    book.loc[[6, 9], "customer"] = name
    source = tmp_path / f"book.{kind}"
    book.to_csv(source, index=False) if kind == "csv" else book.to_parquet(source)
    done = run("score", source, "-o", tmp_path / "out.csv", "--id", "customer")
    assert done.code == 2
    assert done.err.startswith(f"error: {source}: column 'customer', row 7: missing identifier (")
    assert done.err.endswith(") (and 1 more row); give each row one, drop such rows, or omit --id to number the rows\n")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    "words", [["score", "-", "-o", "-"], ["explain", "-", "-o", "-"], ["card"], ["schema"], ["check", "-"], ["verify"]]
)
def test_a_reader_who_went_away_ends_the_command_quietly_with_the_shell_s_code(words, folder, loans):
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "riskml_hand_made", *words], cwd=folder, input=written(loans, "csv"), stdout=write,
            stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": ""}, timeout=120, check=False,
        )  # fmt: skip
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.fixture
def ended(folder, loans, tmp_path):
    """Return a function that runs a line of the shell, where ``riskml`` is the command and ``$1`` a file."""
    pd.concat([loans] * 30).to_csv(tmp_path / "book.csv")

    def ended(line):
        script = f"set -o pipefail; riskml() {{ '{sys.executable}' -m riskml_hand_made \"$@\"; }}; {line}"
        done = subprocess.run(
            ["bash", "-c", script, "bash", tmp_path / "book.csv"], cwd=folder, env=os.environ | {"PYTHONPATH": ""},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)

    return ended


def test_the_head_of_the_scores_is_all_that_is_said(ended):
    done = ended('riskml score "$1" -o - | head -n 1')
    assert (done.code, done.out, done.err) == (141, "row,probability,points,tier\n", "")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("riskml score - -o - <&-", "standard input is closed; pipe a table into it, or name a file"),
        ("riskml score - -o - 0>out", "cannot read standard input: Bad file descriptor"),
        ('riskml score "$1" -o - >&-', "standard output is closed; name a file to write"),
        ("riskml card >&-", "standard output is closed; name a file to write"),
        ('riskml score "$1" -o - > /dev/full', "cannot write to standard output: No space left on device"),
        ("riskml --version > /dev/full", "cannot write to standard output: No space left on device"),
    ],
)
def test_a_stream_that_is_broken_is_told_in_one_message(line, what, ended):
    done = ended(line)
    assert (done.code, done.err) == (2, f"error: {what}\n")


def test_a_truncated_parquet_is_one_message(run, loans, tmp_path):
    loans.to_parquet(tmp_path / "book.parquet")
    whole = (tmp_path / "book.parquet").read_bytes()
    (tmp_path / "book.parquet").write_bytes(whole[:-50])
    done = run("score", tmp_path / "book.parquet", "-o", tmp_path / "out.csv")
    assert done.code == 2
    assert "may be truncated" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["book.parquet"]


def test_the_check_of_a_file_is_printed(run, loans):
    done = run("check", "-", given=written(loans, "csv"))
    assert done.code == 0
    found = pd.read_csv(io.BytesIO(done.out), index_col="column")
    assert found["status"].to_dict() == dict.fromkeys(["Age", "Income", "Home", "probability"], "stable")
    assert run("check", "-", given=b"Age,Income,Home\n").code == 2


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_that_breaks_the_schema_is_reported_not_refused(kind, run, loans):
    broken = loans.drop(columns="Home").astype({"Age": object})
    broken["Age"] = "old"
    done = run("check", "-", given=written(broken, kind))
    assert done.code == 0
    found = pd.read_csv(io.BytesIO(done.out), index_col="column")
    assert found["status"].to_dict() == {"Age": "broken", "Income": "stable", "Home": "broken"}
    assert "columns missing from the table: 'Home'" in found.loc["Home", "message"]


def test_the_card_is_printed(run, folder):
    assert run("card").out.decode() == (folder / "riskml_hand_made" / "card.md").read_text()


def test_the_package_proves_itself_until_a_file_is_altered(run, artifacts, tmp_path):
    write_package(artifacts["scorecard"], tmp_path)

    def verify(*words):
        command = [sys.executable, "-B", "-m", "riskml_hand_made", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    done = verify("verify")
    assert done.returncode == 0
    assert "files unchanged since" in done.stdout
    (tmp_path / "key.pub").write_text("no key")
    done = verify("verify", "--key", "key.pub")
    assert (done.returncode, done.stderr) == (2, "error: the package is not signed\n")
    (tmp_path / "riskml_hand_made" / "more.py").write_text("")
    assert "not listed in the package manifest: 'riskml_hand_made/more.py'" in verify("verify").stderr
    (tmp_path / "riskml_hand_made" / "more.py").unlink()
    model = tmp_path / "riskml_hand_made" / "model" / "model.json"
    model.write_text(model.read_text().replace("480.0", "481.0"))
    for words in (["verify"], ["score", "a.csv", "-o", "b.csv"], ["card"]):
        done = verify(*words)
        assert done.returncode == 2
        assert "was altered" in done.stderr


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_a_bar_and_a_file_sees_none():
    chunk = Chunk(pd.DataFrame(index=range(1200)), pd.Series(dtype=object), 0.5)
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        bar = Progress(stream)
        bar(chunk)
        bar.clear()
        assert ("50%  1,200 customers" in stream.getvalue()) == shown
        assert stream.getvalue().endswith("\x1b[K") == shown
