"""A stored estimator of scikit-learn: the same bytes for the same one, and nothing else is loaded."""

import io
import zipfile

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import FunctionTransformer

from riskml.runtime.checksums import PackageError
from riskml.runtime.estimator import Estimator, loaded, untrusted, written

X = np.random.default_rng(0).normal(size=(120, 2))
Y = (X[:, 0] > 0).astype(int)


def forest():
    return RandomForestClassifier(5, random_state=0).fit(X, Y)


def test_the_same_fit_gives_the_same_bytes_and_they_the_same_answers():
    content = written(forest())
    assert content == written(forest())
    np.testing.assert_array_equal(loaded(content).predict_proba(X), forest().predict_proba(X))


def test_code_of_others_is_neither_exported_nor_loaded():
    harmful = FunctionTransformer(func=exec)
    assert untrusted(harmful) == ["builtins.exec"]
    with pytest.raises(PackageError, match=r"types that are not trusted: builtins\.exec"):
        loaded(written(harmful))


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK"])
def test_bytes_that_are_no_estimator_are_refused(content):
    with pytest.raises(PackageError, match="cannot be read"):
        loaded(content)


def test_an_archive_without_a_schema_is_refused():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("other.json", "{}")
    with pytest.raises(PackageError, match="cannot be read"):
        loaded(archive.getvalue())


def test_a_tree_whose_nodes_are_out_of_bounds_is_refused():
    source = zipfile.ZipFile(io.BytesIO(written(forest())))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith(".npy"):
                array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
                if array.dtype.names and "left_child" in array.dtype.names:
                    array["left_child"][0] = 10**6
                    buffer = io.BytesIO()
                    np.lib.format.write_array(buffer, array, allow_pickle=False)
                    content = buffer.getvalue()
            file.writestr(name, content)
    with pytest.raises(PackageError, match="out of bounds"):
        loaded(archive.getvalue())


def test_reasons_add_up_for_every_row_and_for_none():
    columns = {"a": X[:, 0], "b": X[:, 1]}
    background = {name: tuple(values[:6].tolist()) for name, values in columns.items()}
    model = Estimator({"a": "numeric", "b": "numeric"}, None, (), 0.01, background, _Frame())
    np.testing.assert_allclose(model.contributions(columns).sum(axis=1) + model.base, model.margin(columns))
    nothing = {name: values[:0] for name, values in columns.items()}
    assert model.contributions(nothing).shape == (0, 2)


class _Frame:
    def predict_proba(self, frame):
        chance = 1 / (1 + np.exp(-frame["a"] * frame["b"]))
        return np.column_stack([1 - chance, chance])
