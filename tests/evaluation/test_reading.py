from __future__ import annotations

import numpy as np
import pytest

from mimikit_nb.evaluation.reading import MEASURES, beside, explain
from mimikit_nb.evaluation.scoring import score

from .sounds import SR


def test_every_measure_is_explained_and_stands_beside_real_audio(index, music):
    found = score(music, SR, index)
    assert set(found.values) <= set(MEASURES)
    table = found.beside_real_audio()
    assert set(table.index) == set(found.values)
    cases = ["real_5%", "real_50%", "real_95%", "noise", "silence", "loop", "copy"]
    assert list(table.columns) == ["this", *cases]
    assert table.loc["fidelity", "noise"] < 0.05 < 0.7 < table.loc["fidelity", "real_50%"]
    assert table.loc["novelty", "copy"] < 0.1 < 0.6 < table.loc["novelty", "real_50%"]
    assert table.loc["noise_share", "noise"] > 0.9 > table.loc["noise_share", "real_95%"]
    assert table.loc["loop_seconds", "loop"] > 8 > table.loc["loop_seconds", "real_95%"]
    assert table.loc["sounding_share", "silence"] == 0


def test_words_say_formula_range_and_reading():
    words = explain()
    assert (words[["about", "formula", "range", "reading"]].map(len) > 4).all(axis=None)
    assert list(explain(["fidelity", "path"]).index) == ["fidelity"]


def test_missing_scores_are_left_out_of_the_percentiles():
    table = beside({"a": 1.0}, {"a": [1.0, np.nan, 3.0], "b": [np.nan]}, {"noise": {"a": 9.0}})
    assert table.loc["a", "real_50%"] == pytest.approx(2)
    assert table.loc["b"].isna().all()
