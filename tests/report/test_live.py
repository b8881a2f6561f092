"""The table of a search that fills while it runs."""

from riskml.models.search.study import Progress
from riskml.report.live import SearchTable


def test_it_keeps_the_best_of_each_family():
    table = SearchTable(60.0)
    table.add(Progress("tree", 1, 3, float("nan")))
    table.add(Progress("tree", 2, 3, 0.81))
    assert table.add(Progress("tree", 3, 3, 0.79)) == "tree: trial 3 of 3, best AUC (CV) 0.810"
    table.add(Progress("boosting", 1, 3, 0.84))
    text = str(table.table())
    assert "3 of 3" in text
    assert "0.810" in text
    assert "0.840" in text


def test_the_line_travels_in_the_metadata_of_the_output(monkeypatch):
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda table, **options: outputs.append(options) or _Handle(outputs))
    table = SearchTable(60.0)
    table(Progress("tree", 1, 3, 0.81))
    table(Progress("tree", 2, 3, 0.82))
    assert [one["metadata"]["riskml"].partition(", ")[0] for one in outputs] == [
        "tree: trial 1 of 3",
        "tree: trial 2 of 3",
    ]


class _Handle:
    def __init__(self, outputs):
        self.outputs = outputs

    def update(self, table, **options):
        self.outputs.append(options)
