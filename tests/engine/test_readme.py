import re
from pathlib import Path

import torch

import mimikit_nb.engine
from mimikit_nb.engine import EagerExecutor, Stage
from mimikit_nb.engine.stages import clone_state

README = Path(mimikit_nb.engine.__file__).parent / "README.md"


def test_the_example_runs_as_its_uncompiled_stages_do():
    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)[1]
    made, run = code.rsplit("executor = ", 1)
    names: dict = {}
    exec(compile(made, str(README), "exec"), names)
    expected = clone_state(names["state"])
    EagerExecutor([Stage(1, names["step"])]).run(expected, 1024)
    exec(compile("executor = " + run, str(README), "exec"), names)
    assert names["state"]["t"] == 1024
    assert torch.allclose(names["state"]["x"], expected["x"], atol=1e-4)
