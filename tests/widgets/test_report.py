"""Reports: one file that needs nothing else."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from mimikit_nb.errors import ParameterError
from mimikit_nb.widgets.pictures import waveform
from mimikit_nb.widgets.player import listen
from mimikit_nb.widgets.report import render_report, write_report


def test_a_report_holds_everything_itself(tone, tmp_path, tiny_corpus):
    path = write_report(
        tmp_path / "new" / "report.html",
        "A <title>",
        {
            "Recordings": [tiny_corpus.report, "Text & <b>more</b>."],
            "Facts": {"steps": 3, "loss": 0.123456},
            "Picture": waveform(tone, 22050),
            "Figure": Figure(),
            "Sounds": listen(tone, 22050),
            "Table": pd.DataFrame({"<name>": ["<i>"], "x": [np.nan]}),
        },
        subtitle="sub & title",
    )
    text = path.read_text(encoding="utf-8")
    addresses = re.findall(r'(?:src|href|url)\s*=?\s*["(]([^"(]{5})', text)
    assert addresses and {a for a in addresses if not a.startswith("#")} == {"data:"}
    assert "://" not in text and "<script" not in text and "@import" not in text
    assert "<i>" not in text and "Text &amp; &lt;b&gt;" in text and "sub &amp; title" in text
    assert "<h1>A &lt;title&gt;</h1>" in text and "0.1235" in text
    assert text.count("<section") == 6 and text.count("<audio") == 1


def test_a_report_never_replaces_another(tmp_path):
    paths = [write_report(tmp_path / "r.html", str(i), {}) for i in range(3)]
    assert [path.name for path in paths] == ["r.html", "r_002.html", "r_003.html"]
    assert "<h1>0</h1>" in paths[0].read_text()


def test_a_report_on_a_full_disk_is_an_error_and_leaves_nothing(on_full_disk):
    done = on_full_disk(
        "import os\nfrom mimikit_nb.errors import ParameterError\n"
        "from mimikit_nb.widgets.report import write_report\n"
        "try: write_report('new/r.html', 't', {'long': 'x' * 2**21})\n"
        "except ParameterError as error: print(error, os.listdir('new'))\n"
    )
    assert "r.html can't be written: " in done.stdout, done.stdout + done.stderr
    assert done.stdout.strip().endswith("[]")


def test_what_cannot_be_shown_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="can't show object"):
        write_report(tmp_path / "r.html", "t", {"a": object()})
    assert not list(tmp_path.iterdir())


def test_text_at_the_end_of_a_table_is_on_the_left():
    text = render_report("t", {"a": pd.DataFrame({"x": [1], "flags": ["noise"]})})
    numbers = render_report("t", {"a": pd.DataFrame({"x": [1], "y": [2]})})
    assert 'class="dataframe ends-in-text"' in text
    assert 'class="dataframe"' in numbers
