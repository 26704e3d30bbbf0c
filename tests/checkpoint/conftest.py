from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mimikit_nb.checkpoint.file import Header, write_file
from mimikit_nb.networks.wavenet import WaveNetConfig

CONFIG = WaveNetConfig(n_layers=2, residual_channels=8, skip_channels=8)
IO = WaveNetConfig.default_io(8000)


@pytest.fixture
def make_file() -> Callable[..., Path]:
    """Writes a checkpoint of a tiny network with random weights."""

    def make(path: Path, step: int = 5, seed: int = 0, ema: bool = False, **header: object) -> Path:
        torch.manual_seed(seed)
        network = CONFIG.build(IO)
        tensors = {f"network/{k}": v for k, v in network.state_dict().items()}
        if ema:
            tensors |= {f"ema/{k}": v * 0.5 for k, v in network.state_dict().items()}
        tensors["optimizer/weight/step"] = torch.tensor(5.0)
        values = {"network": CONFIG, "io": IO, "training": {"batch_size": 2}}
        values |= {"corpus_hash": "c0ffee", "rights": "mine", **header}
        write_file(path, Header(step=step, **values), tensors)
        return path

    return make
