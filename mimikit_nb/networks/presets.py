"""Named sizes of every network: ``tiny`` for a first try, ``laptop``, ``gpu``.

A preset says only what differs from the defaults of the network's config and of training; it
is named ``kind/size``, as in ``"sample_rnn/laptop"``. The plain kind is the ``laptop`` size.
"""

from __future__ import annotations

from typing import Any

from ..config import did_you_mean
from ..errors import ConfigError
from .base import NETWORKS, NetworkConfig

SIZES = ("tiny", "laptop", "gpu")

_LATENT: dict[str, Any] = {
    "batch_size": 8,
    "chunks_per_sequence": 10,
    "learning_rate": 3e-3,
    "decay": "inverse_sqrt",
    "warmup_steps": 50,
    "weight_decay": 0.01,
    "threads": 1,
}
"""Many small steps: what counts in the first minutes."""

PRESETS: dict[str, dict[str, dict[str, dict[str, Any]]]] = {
    "latent_rnn": {
        "tiny": {
            "network": {"hidden_dim": 192},
            "training": {**_LATENT, "chunk_steps": 24},
        },
        "laptop": {
            "network": {},
            "training": {**_LATENT, "chunk_steps": 32},
        },
        "gpu": {
            "network": {"hidden_dim": 1024, "n_layers": 3},
            "training": {**_LATENT, "threads": None, "batch_size": 64, "chunk_steps": 64},
        },
    },
    "sample_rnn": {
        "tiny": {
            "network": {"hidden_dim": 64},
            "training": {"batch_size": 8, "chunk_steps": 512, "learning_rate": 4e-3},
        },
        "laptop": {
            "network": {},
            "training": {"batch_size": 8, "chunk_steps": 512, "learning_rate": 3e-3},
        },
        "gpu": {
            "network": {"frame_sizes": (64, 16, 16), "hidden_dim": 1024, "n_rnn": 2},
            "training": {"batch_size": 64, "chunk_steps": 2048, "learning_rate": 5e-4},
        },
    },
    "sampler_transformer": {
        "tiny": {
            "network": {"hidden_dim": 64},
            "training": {"batch_size": 8, "chunk_steps": 1024, "learning_rate": 3e-3},
        },
        "laptop": {
            "network": {},
            "training": {"batch_size": 8, "chunk_steps": 1024, "learning_rate": 1e-3},
        },
        "gpu": {
            "network": {
                "frame_sizes": (64, 16, 4, 4),
                "n_layers": (6, 4, 2),
                "windows": (256, 128, 64, 64),
                "hidden_dim": 768,
                "n_heads": 12,
                "n_kv_heads": 4,
            },
            "training": {"batch_size": 32, "chunk_steps": 8192, "learning_rate": 3e-4},
        },
    },
    "wavenet": {
        "tiny": {
            "network": {"n_layers": 9, "residual_channels": 32, "skip_channels": 32},
            "training": {"batch_size": 4, "chunk_steps": 1024, "learning_rate": 3e-3},
        },
        "laptop": {
            "network": {},
            "training": {"batch_size": 4, "chunk_steps": 2048, "learning_rate": 1e-3},
        },
        "gpu": {
            "network": {"n_blocks": 3, "residual_channels": 256, "skip_channels": 256},
            "training": {"batch_size": 8, "chunk_steps": 8192, "learning_rate": 5e-4},
        },
    },
    "freqnet": {
        "tiny": {
            "network": {"residual_channels": 192, "n_layers": 4},
            "training": {**_LATENT, "learning_rate": 2e-3, "chunk_steps": 24},
        },
        "laptop": {
            "network": {},
            "training": {**_LATENT, "learning_rate": 2e-3, "chunk_steps": 32},
        },
        "gpu": {
            "network": {"residual_channels": 1024, "n_layers": 6},
            "training": {
                **_LATENT,
                "threads": None,
                "batch_size": 64,
                "chunk_steps": 64,
                "learning_rate": 2e-3,
            },
        },
    },
    "seq2seq": {
        "tiny": {
            "network": {"hidden_dim": 256},
            "training": {"batch_size": 16, "chunk_steps": 64, "learning_rate": 2e-3},
        },
        "laptop": {
            "network": {},
            "training": {"batch_size": 16, "chunk_steps": 64, "learning_rate": 1e-3},
        },
        "gpu": {
            "network": {"hop": 16, "hidden_dim": 1024, "n_rnn": 2, "resampler_layers": 4},
            "training": {"batch_size": 64, "chunk_steps": 128, "learning_rate": 3e-4},
        },
    },
}


def find_preset(name: str) -> tuple[NetworkConfig, dict[str, Any]]:
    """Network config and training fields of ``"kind"`` or ``"kind/size"``."""
    kind, _, size = name.partition("/")
    config_class = type(NETWORKS.parse(kind))
    sizes = PRESETS.get(kind, {})
    if size and size not in sizes:
        raise ConfigError(f"Network {kind!r} has no preset {size!r}. {did_you_mean(size, sizes)}")
    preset = sizes.get(size or "laptop", {})
    return config_class(**preset.get("network", {})), dict(preset.get("training", {}))
