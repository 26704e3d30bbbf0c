"""Train networks: :func:`train`, :func:`resume`, and what a training would be, :func:`plan`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..arguments import PathArg, Rate, Step, checked
from ..checkpoint import Run
from ..config import did_you_mean
from ..corpus.store import Corpus, open_corpus
from ..errors import ConfigError, TrainingError
from ..features.base import FeatureConfig
from ..io.variable import IOSpec
from ..networks import NETWORKS
from ..networks.base import NetworkConfig
from ..networks.presets import find_preset
from ..training import start
from ..training.callbacks import Callback, Control
from ..training.config import TrainConfig
from .conditioning import conditioned
from .finding import corpus_of_run
from .preview_log import PreviewLog
from .previews import Previewer


@dataclass(frozen=True)
class Plan:
    """All configs of a training.

    Attributes
    ----------
    network : NetworkConfig
    io : IOSpec
    training : TrainConfig
    """

    network: NetworkConfig
    io: IOSpec
    training: TrainConfig


@checked
def plan(
    network: str | dict[str, Any] | NetworkConfig = "sample_rnn",
    sample_rate: Rate = 22050,
    io: IOSpec | dict[str, Any] | None = None,
    **overrides: Any,
) -> Plan:
    """Configs of a training, without training.

    Parameters
    ----------
    network : str, dict or NetworkConfig
        A kind ("sample_rnn"), a preset ("sample_rnn/tiny"), a dict with a ``kind``, or a config.
    sample_rate : int, default 22050
        Rate of the corpus.
    io : IOSpec or dict, optional
        What the network reads and writes; what it is made for if not given.
    **overrides
        Any field of the training (``batch_size``, ``learning_rate`` ...), of the network
        (``hidden_dim`` ...), of the generated variable's feature (``n_fft``, ``q_levels`` ...),
        or ``channels``.

    Raises
    ------
    ConfigError
        If a name is unknown (with the nearest known ones) or a value is out of range.

    Examples
    --------
    >>> plan = mnb.plan("latent_rnn/tiny", max_minutes=5)
    >>> plan.network.hidden_dim, plan.training.learning_rate, plan.training.max_minutes
    (192, 0.003, 5.0)
    """
    config, training = _configs(network)
    spec = (
        config.default_io(sample_rate)
        if io is None
        else io
        if isinstance(io, IOSpec)
        else IOSpec(**io)
    )
    main = next(iter(spec.autoregressive))
    feature: FeatureConfig = spec.variables[main].feature
    homes: dict[str, set[str]] = {
        "training": set(TrainConfig.model_fields),
        "network": set(type(config).model_fields),
        "feature": set(type(feature).model_fields),
        "io": {"channels"},
    }
    sorted_out: dict[str, dict[str, Any]] = {home: {} for home in homes}
    for name, value in overrides.items():
        home = next((h for h, fields in homes.items() if name in fields and name != "kind"), None)
        if home is None:
            known = {n for fields in homes.values() for n in fields} - {"kind"}
            raise ConfigError(
                f"There is no setting {name!r} for {config.kind!r}. {did_you_mean(name, known)}"
            )
        sorted_out[home][name] = value
    variable = spec.variables[main].replace(feature=feature.replace(**sorted_out["feature"]))
    spec = spec.replace(variables={**spec.variables, main: variable}, **sorted_out["io"])
    if {"max_minutes", "max_epochs"} & sorted_out["training"].keys():
        training = {"max_steps": None, **training}  # the budget that was asked for, and no other
    spec.features[main].inverse_stream(1)  # what can't be heard isn't worth training
    return Plan(
        config.replace(**sorted_out["network"]),
        spec,
        TrainConfig(**{**training, **sorted_out["training"]}),
    )


def _configs(network: str | dict[str, Any] | NetworkConfig) -> tuple[NetworkConfig, dict[str, Any]]:
    """Network config, and the training fields of its preset."""
    if isinstance(network, str):
        return find_preset(network)
    config = NETWORKS.parse(network)
    return config, find_preset(config.kind)[1]


@checked
def train(
    corpus: Corpus | PathArg,
    network: str | dict[str, Any] | NetworkConfig = "sample_rnn",
    out: PathArg = Path("runs/run"),
    *,
    io: IOSpec | dict[str, Any] | None = None,
    condition_on: str | Sequence[str] = (),
    callbacks: Sequence[Callback] = (),
    control: Control | None = None,
    previewer: Previewer | None = None,
    device: str | None = None,
    **overrides: Any,
) -> Run:
    """Train a network on a corpus, with previews to listen to, and keep everything in a folder.

    Parameters
    ----------
    corpus : Corpus or path
        From :func:`build_corpus`, :func:`open_corpus` or :func:`demo_corpus`.
    network : str, dict or NetworkConfig, default "sample_rnn"
        A kind, a preset such as "freqnet/tiny", a dict with a ``kind``, or a config.
    out : str or Path, default "runs/run"
        Folder of the run; one that holds a run is refused.
    io : IOSpec or dict, optional
        What the network reads and writes; what it is made for if not given.
    condition_on : str or list of str, optional
        Tracks of the corpus that the network is told beside the sound, each as a fixture of the
        same name: labels of segments or clusters, or values. :func:`generate` is then steered by
        ``fixtures``.
    callbacks, control : optional
        Watch and steer the run.
    previewer : Previewer, optional
        Makes the previews; one prompt at temperature 1 if not given.
    device : str, optional
        "cuda", "mps" or "cpu"; the best there is if not given.
    **overrides
        Any setting that :func:`plan` takes: ``max_steps``, ``seed``, ``checkpoint_every_steps``,
        ``batch_size``, ``hidden_dim``, ``n_fft`` ...

    Returns
    -------
    Run
        ``run.metrics`` is the table of losses, ``run.folder`` where everything lies.

    Raises
    ------
    ConfigError
        If a setting is unknown or out of range.
    CorpusError
        If there is no track to condition on.
    TrainingError
        If the folder holds a run, or the training can't go on.

    Examples
    --------
    >>> options = {"max_steps": 4, "checkpoint_every_steps": 2, "preview_every_steps": 0}
    >>> run = mnb.train(corpus, "latent_rnn/tiny", "runs/tiny", **options)
    >>> sorted(run.checkpoints)
    [2, 4]
    """
    corpus = corpus if isinstance(corpus, Corpus) else open_corpus(corpus)
    planned = plan(network, corpus.sample_rate, io, **overrides)
    previewer = previewer or _previewer(corpus, Path(out), planned.training)
    return start.train(
        corpus,
        planned.network,
        conditioned(planned.io, corpus, condition_on),
        planned.training,
        out,
        callbacks=[*callbacks, PreviewLog()],
        preview=previewer,
        control=control,
        device=device,
    )


@checked
def resume(
    folder: PathArg,
    max_steps: Step | None = None,
    *,
    corpus: Corpus | PathArg | None = None,
    callbacks: Sequence[Callback] = (),
    control: Control | None = None,
    previewer: Previewer | None = None,
    device: str | None = None,
    **changes: Any,
) -> Run:
    """Go on with a run from its latest good checkpoint, as if it had never been interrupted.

    Parameters
    ----------
    folder : str or Path
        Folder of the run.
    max_steps : int, optional
        New budget in steps from the very beginning; the old one if not given.
    corpus : Corpus or path, optional
        The corpus of the run, if it lies neither where it was nor beside the run.
    callbacks, control, previewer, device
        As for :func:`train`.
    **changes
        Training settings that may change on the way, such as ``max_minutes``.

    Examples
    --------
    >>> run = mnb.resume("runs/first", max_steps=6)
    >>> int(run.metrics.step.max())
    6
    """
    run = Run(folder)
    if not run.config_path.exists():
        raise TrainingError(f"There is no run in {run.folder} to resume: it has no config.yaml.")
    if corpus is None:
        corpus = corpus_of_run(run)
    corpus = corpus if isinstance(corpus, Corpus) else open_corpus(corpus)
    previewer = previewer or _previewer(
        corpus, run.folder, run.section("training", lambda values: TrainConfig(**values))
    )
    return start.resume(
        folder,
        corpus,
        max_steps,
        callbacks=[*callbacks, PreviewLog()],
        preview=previewer,
        control=control,
        device=device,
        **changes,
    )


def _previewer(corpus: Corpus, folder: Path, config: TrainConfig) -> Previewer:
    longest = max(file.stop - file.start for file in corpus.files) / corpus.sample_rate
    return Previewer(
        corpus, folder / "samples", config.preview_seconds, min(0.5, longest), seed=config.seed
    )
