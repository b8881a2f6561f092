from __future__ import annotations

from pathlib import Path

import pytest

from riskml.data.catalog import Sample, load_sample, samples

README = (Path(__file__).parents[2] / "data" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("known", samples(), ids=lambda known: known.name)
def test_the_readme_says_of_each_sample_what_the_catalog_says(known: Sample):
    row = next(line for line in README.splitlines() if line.startswith(f"| `{known.name}` | a"))
    assert f"{known.rows:,} × {known.columns}" in row
    assert {"immature": "immature", "real": "Real", "fictional": "Fictional", "artificial": "Artificial"}[
        known.nature
    ] in row
    if known.target is not None:
        rate = (load_sample(known.name)[known.target] == known.event).mean()
        assert f"`{known.target}` = {known.event} ({rate:.4f})".replace("0.", ".") in row
