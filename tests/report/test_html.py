from __future__ import annotations

import base64
import io
import re
import shutil
from html.parser import HTMLParser

import pandas as pd
import pytest
from PIL import Image

from riskml.config.experiment import Experiment
from riskml.errors import InputError
from riskml.report.html import build_report

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}客户'
VOID = {"meta", "img", "br", "hr", "link", "input"}


class _Page(HTMLParser):
    """A page: its tags, links, and text; every tag must be closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    def words(self) -> str:
        return " ".join(self.text.split())


def _with_pictures(folder, drawn):
    (folder / "figures").mkdir()
    for name, content in drawn.items():
        (folder / "figures" / f"{name}.png").write_bytes(content)
    return folder


def _page(folder) -> _Page:
    return _Page(build_report(folder).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def finished(write_run, drawn, tmp_path_factory):
    return _with_pictures(write_run(tmp_path_factory.mktemp("run") / "20260105-093000"), drawn)


@pytest.fixture(scope="module")
def page(finished):
    return _page(finished)


def test_the_page_says_what_was_chosen_why_and_how_good_it_is(page, validation):
    words = page.words()
    auc = validation["metrics"]["auc"]
    assert "The blend was chosen out of 5 families, because it has the highest AUC (CV)" in words
    assert "its AUC (CV) is 0.853." in words
    assert f"an AUC of {auc['value']:.3f} (95% interval {auc['low']:.3f} to {auc['high']:.3f})" in words
    first = validation["gains"][0]
    assert f"{first['event_rate']:.0%} defaulted" in words
    assert f"they make up {first['captured']:.0%} of all defaults" in words


def test_every_part_is_there_and_in_the_contents(page):
    sections = [attrs["id"] for attrs in page.all("section")]
    links = [attrs["href"] for attrs in page.all("a") if str(attrs["href"]).startswith("#")]
    assert {"short", "question", "data", "leaderboard", "choice", "validation", "tiers", "drivers"} <= set(sections)
    assert {link.removeprefix("#") for link in links} == set(sections)


def test_limits_are_said_at_the_top(page):
    words = page.words()
    at = words.index("Limits")
    said = words[at : words.index("Question", at)]
    assert "Real: The lender and the years are not named." in said
    assert "the data have no dates" in said
    assert "stopped by time, not by trials, for boosting" in said


def test_a_race_too_close_to_call_is_called_so(page):
    assert "0.002 ahead of boosting; that is less than one standard error (0.006)" in page.words()
    assert "On the test set boosting ranks a little better" in page.words()


def test_the_page_needs_nothing_but_itself(finished, page):
    html = (finished / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://", html)
    assert "@import" not in html
    assert "url(" not in html
    assert not page.all("script")
    assert not page.all("link")
    assert all(str(attrs["src"]).startswith("data:image/png;base64,") for attrs in page.all("img"))


def test_every_picture_is_inside_once_whole_and_described(page, pictures):
    shown = page.all("img")
    assert len(shown) == len(pictures)
    assert {attrs["alt"] for attrs in shown} == {picture.alt for picture in pictures.values()}
    for attrs in shown:
        Image.open(io.BytesIO(base64.b64decode(str(attrs["src"]).partition(",")[2]))).verify()


def test_the_page_names_its_language_and_its_title(page, experiment):
    assert page.all("html") == [{"lang": "en"}]
    assert page.text.lstrip().startswith(experiment.title)
    assert len(page.all("h1")) == 1


def test_the_page_forbids_scripts_to_the_browser(page):
    policy = next(attrs["content"] for attrs in page.all("meta") if attrs.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'")


def test_the_address_of_the_tracking_server_stays_out(finished):
    assert "secret" not in (finished / "report.html").read_text(encoding="utf-8")


def test_the_same_run_gives_the_same_page(finished):
    first = build_report(finished).read_bytes()
    assert build_report(finished).read_bytes() == first


def test_customers_keep_the_zeros_of_their_names(page, high_risk):
    assert high_risk["customer"].iloc[0] in page.words()


@pytest.mark.parametrize("upto", [0, 1, 2, 3, 4])
def test_a_run_that_stopped_early_says_what_is_not_there(write_run, tmp_path, upto):
    words = _page(write_run(tmp_path / "run", upto=upto)).words()
    stages = ["1_features", "2_models", "3_validation", "4_export", "5_prediction"]
    for at, stage in enumerate(stages):
        assert (f"The run has not reached the stage {stage}." in words) == (at >= upto)


def test_a_failed_run_says_so_first(write_run, tmp_path):
    changes = {"status": "failed", "error": {"stage": "3_validation", "message": HOSTILE}}
    page = _page(write_run(tmp_path / "run", upto=2, run=changes))
    words = page.words()
    assert words.index("This run failed") < words.index("The blend was chosen")
    assert "stage: 3_validation" in words
    assert not page.all("script")


@pytest.fixture
def hostile(experiment):
    said = experiment.model_dump()
    said["title"] = HOSTILE
    said["data"] |= {"target": HOSTILE, "event": HOSTILE, "exclude": [HOSTILE + "2"]}
    said["tiers"] = [{"name": HOSTILE, "from_probability": 0.0, "treatment": HOSTILE}]
    return Experiment.model_validate(said)


def test_every_value_is_escaped(
    write_run,
    tmp_path,
    hostile,
    leaderboard,
    comparison,
    scorecard,
    profile,
    drivers,
    notes,
    high_risk,
    validation,
):
    def spoilt(frame: pd.DataFrame) -> pd.DataFrame:
        texts = [name for name in frame.columns if frame[name].dtype.kind not in "fib"]
        return frame.assign(**dict.fromkeys(texts, HOSTILE))

    tier = validation["tiers"][0] | {"tier": HOSTILE, "jeffreys_p": 0.001}
    metrics = {**validation["metrics"], HOSTILE: {"value": 0.5, "low": None, "high": None}}
    folder = write_run(
        tmp_path / "run",
        experiment=hostile,
        leaderboard=spoilt(leaderboard),
        comparison=spoilt(comparison),
        scorecard=spoilt(scorecard),
        profile=spoilt(profile),
        drivers=spoilt(drivers),
        notes=spoilt(notes),
        high_risk=spoilt(high_risk),
        validation={"tiers": [tier], "metrics": metrics, "part": HOSTILE},
        data={"source": HOSTILE, "licence": HOSTILE, "truth": HOSTILE, "parts": {HOSTILE: {"rows": 1, "events": 1}}},
        fit={"search_stopped_by": {HOSTILE: "time"}},
        export={"wheel": HOSTILE, "sha256": HOSTILE,
                "verified": {"rows": 1, "max_difference": HOSTILE, "python": HOSTILE}},
        run={"status": HOSTILE, "created": HOSTILE, "riskml": HOSTILE, "data_digest": HOSTILE, "mlflow_run_id": HOSTILE,
             "stages": [{"name": HOSTILE, "status": HOSTILE, "seconds": None}], "error": HOSTILE},
    )  # fmt: skip
    (folder / f"1_{'<b>'}.html").touch()
    page = _page(folder)
    assert not page.all("script")
    assert not page.all("img")
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert page.text.count(HOSTILE) > 30
    assert "49" not in {word.strip() for word in re.findall(r"alert\(2\)>(.{3})", page.text)}


def test_a_hostile_name_of_a_picture_is_escaped(write_run, tmp_path, drawn):
    folder = _with_pictures(write_run(tmp_path / "run", upto=2), {"<script>x": drawn["leaderboard"]})
    assert not _page(folder).all("script")


def test_an_unknown_picture_is_shown_at_the_end(write_run, tmp_path, drawn):
    folder = _with_pictures(write_run(tmp_path / "run", upto=2), {"my_own": drawn["leaderboard"]})
    page = _page(folder)
    assert "more" in [attrs["id"] for attrs in page.all("section")]
    assert "my own" in page.words()


def test_a_damaged_picture_is_passed_over(write_run, tmp_path, drawn):
    folder = _with_pictures(write_run(tmp_path / "run", upto=2), {"roc": drawn["leaderboard"][:500]})
    assert not _page(folder).all("img")


def test_a_picture_of_another_maker_is_described_by_its_name(write_run, tmp_path):
    from matplotlib.figure import Figure

    folder = write_run(tmp_path / "run", upto=2)
    (folder / "figures").mkdir()
    Figure().savefig(folder / "figures" / "roc.png")
    assert _page(folder).all("img")[0]["alt"] == "roc"


def test_notebooks_beside_the_page_are_linked(write_run, tmp_path):
    folder = write_run(tmp_path / "run", upto=2)
    (folder / "1_features.html").touch()
    links = [attrs["href"] for attrs in _page(folder).all("a")]
    assert "1_features.html" in links
    assert "2_models.html" not in links


def test_a_tier_that_is_riskier_than_expected_is_named(write_run, tmp_path, validation):
    tiers = [validation["tiers"][0] | {"jeffreys_p": 0.003}, *validation["tiers"][1:]]
    words = _page(write_run(tmp_path / "run", validation={"tiers": tiers})).words()
    assert "In the tier “low” the model underestimates the risk" in words


def test_a_drop_from_cross_validation_is_named(write_run, tmp_path, leaderboard):
    words = _page(write_run(tmp_path / "run", leaderboard=leaderboard.assign(auc_test=0.80))).words()
    assert "The AUC on the test set is 0.053 below the AUC (CV)" in words


def test_a_quick_look_says_that_it_is_one(write_run, tmp_path):
    words = _page(write_run(tmp_path / "run", run={"sample": 400})).words()
    assert "A sample: at most 400 rows of the table were used." in words


def test_a_level_of_risk_that_is_off_is_named(write_run, tmp_path, validation):
    metrics = validation["metrics"] | {"observed_expected": {"value": 1.31, "low": 1.2, "high": 1.43}}
    words = _page(write_run(tmp_path / "run", validation={"metrics": metrics})).words()
    assert "the model underestimates the risk: 1.31 times as many defaults occurred as expected" in words


def test_a_shift_of_the_scores_is_named_unless_chance_explains_it(write_run, tmp_path):
    shift = {"value": 0.31, "no_shift": 0.02, "verdict": "act"}
    assert "PSI 0.310" in _page(write_run(tmp_path / "run", validation={"psi": shift})).words()
    shift["verdict"] = "stable"
    assert "PSI 0.310" not in _page(write_run(tmp_path / "run", validation={"psi": shift})).words()


def test_a_family_that_was_left_out_is_named_with_its_reason_at_the_top_and_at_the_leaderboard(write_run, tmp_path):
    fit = {"seconds": {}, "failures": {"tree": "InvalidParameterError: max_depth is -3"}}
    said = "The decision tree was requested and could not be fitted: InvalidParameterError: max_depth is -3"
    assert _page(write_run(tmp_path / "run", fit=fit)).words().count(said) == 2


def test_an_empty_tier_is_no_obstacle(write_run, tmp_path, validation):
    nothing = dict.fromkeys(["event_rate", "expected", "lower", "upper", "jeffreys_p"])
    tiers = [{**tier, **nothing, "rows": 0, "events": 0} for tier in validation["tiers"]]
    assert "Tiers" in _page(write_run(tmp_path / "run", validation={"tiers": tiers})).words()


def test_the_folder_of_the_table_stays_out(write_run, tmp_path, experiment):
    said = experiment.model_dump()
    said["data"]["source"] = "/home/someone/secret/book.csv"
    folder = write_run(tmp_path / "run", experiment=Experiment.model_validate(said))
    page = _page(folder)
    assert "book.csv" in page.words()
    assert "secret" not in (folder / "report.html").read_text(encoding="utf-8")


def test_the_chosen_family_is_compared_with_each_other_one(page):
    assert "boosting 0.848 −0.001 −0.006 to +0.003 0.580" in page.words()


def test_out_of_time_rows_need_no_excuse(write_run, tmp_path, experiment):
    said = experiment.model_dump()
    said["data"]["date"] = "month"
    said["split"] |= {"kind": "out_of_time", "from_date": "2024-01-01"}
    folder = write_run(tmp_path / "run", experiment=Experiment.model_validate(said), validation={"part": "oot"})
    words = _page(folder).words()
    assert "drawn at random" not in words
    assert "customers of a later period it reaches an AUC" in words


def test_churn_is_spoken_of_as_churn(write_run, tmp_path, experiment):
    said = experiment.model_dump() | {"task": "churn", "title": "Who will leave?"}
    words = _page(write_run(tmp_path / "run", experiment=Experiment.model_validate(said))).words()
    assert "Customers who may leave" in words
    assert "one who left and one who stayed" in words


def test_a_folder_that_holds_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"it has no run\.json"):
        build_report(tmp_path)


def test_a_page_that_cannot_be_built_leaves_the_earlier_one(write_run, tmp_path):
    folder = write_run(tmp_path / "run", upto=2)
    before = build_report(folder).read_bytes()
    (folder / "leaderboard.csv").write_text("family\n", encoding="utf-8")
    with pytest.raises(KeyError):
        build_report(folder)
    assert (folder / "report.html").read_bytes() == before
    assert not list(folder.glob("*.part*"))


def test_templates_travel_with_the_package():
    from importlib.resources import files

    names = {entry.name for entry in (files("riskml.display") / "templates").iterdir()}
    assert {"report.html.j2", "table.html.j2"} <= names


def test_a_folder_with_any_name_can_hold_a_run(write_run, tmp_path):
    folder = write_run(tmp_path / "运行 1 <b>", upto=1)
    assert build_report(folder).is_file()
    shutil.rmtree(folder)
