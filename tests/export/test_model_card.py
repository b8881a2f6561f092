from __future__ import annotations

import re
from dataclasses import replace

import pytest

from riskml.export.model_card import model_card
from riskml.runtime.package import Artifact


@pytest.fixture(scope="module")
def card(artifacts):
    return model_card(Artifact.load(artifacts["scorecard"]))


def test_it_says_what_is_predicted_from_which_data_and_how_well(card):
    assert "will default (`Status` = `bad`), by a points scorecard" in card
    assert "Trained on 300 rows of `loans.csv`, 40.0% of them events." in card
    assert "| auc | 0.8123 (0.7900 to 0.8300) |" in card
    assert "| high | 0.5 | reviewed by an officer |" in card


def test_it_lists_every_column_with_its_range_codes_and_gaps(card, loans):
    assert "| Age | numeric | 18 to 79 | 0.0% | years \\| at &lt;application> |" in card
    assert re.search(r"\| Income \| numeric \| [\d.]+ to [\d.]+ \(special: -1\) \| \d+\.\d% \|  \|", card)
    assert "| Home | categorical | =cmd\\|'x'!A1, None, owner, rent |" in card


def test_hostile_words_stay_words(card):
    assert card.startswith("# Which customers \\| will &lt;default>?\n")
    for line in card.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) in {3, 4, 6}


def test_it_says_what_happens_to_an_unseen_category(artifacts):
    artifact = Artifact.load(artifacts["tree"])
    assert "never saw is scored" in model_card(artifact)
    assert "never saw is refused" in model_card(replace(artifact, unseen="refuse"))
