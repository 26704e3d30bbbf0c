"""Picture of a network in tiers: which samples each tier reads and how far back it looks."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...errors import ParameterError
from ...io.variable import IOSpec
from ...networks.base import NetworkConfig
from ...networks.sampler_transformer import SamplerTransformerConfig
from ..pictures import WIDTH, Picture
from ..player.still import LABEL_SIZE

FRAME_COLOUR, LOOK_COLOUR, NEW_COLOUR = "#0072b2", "#a6cee3", "#d55e00"


def tiers(network: NetworkConfig, io: IOSpec) -> Picture:
    """Draw the tiers of a Sampler Transformer and what they read.

    Each row is a tier, its frames are boxes. The darker one is the newest frame it has read, the
    lighter ones are those that one layer looks back at; arrows are the conditions from tier to
    tier. Time is logarithmic, since the slowest tier looks back a hundred times as far as the
    last one.

    Parameters
    ----------
    network : SamplerTransformerConfig
        The network.
    io : IOSpec
        What it reads; says how long a step is.

    Returns
    -------
    Picture

    Raises
    ------
    ParameterError
        If the network has no tiers of this kind.
    """
    if not isinstance(network, SamplerTransformerConfig):
        raise ParameterError(f"A {network.kind!r} has no transformer tiers to draw.")
    sizes, periods = network.frame_sizes, network.periods
    layers, windows = network.tier_layers, network.tier_windows
    n_tiers, reaches = len(sizes), network.reach
    figure = Figure(figsize=(WIDTH, 1.0 + 0.8 * n_tiers), layout="constrained")
    axis = figure.subplots()
    rows = [n_tiers - 1 - i for i in range(n_tiers)]
    for i, (y, size, period) in enumerate(zip(rows, sizes, periods, strict=True)):
        looks = windows[i] if layers[i] else 1
        _draw_frames(axis, y, size, period, looks)
        seconds = [
            float(reach * io.step_seconds) for reach in (size + (looks - 1) * period, reaches[i])
        ]
        axis.text(
            1.02,
            y,
            _describe(size, layers[i], looks, seconds)
            + ("" if i else _describe_context(network, io)),
            transform=axis.get_yaxis_transform(),
            va="center",
            fontsize=LABEL_SIZE,
        )
        if i:
            _draw_condition(axis, y + 1, y, sizes[i - 1])
    axis.plot(0.72, 0, ">", color=NEW_COLOUR, ms=9, clip_on=False)
    axis.set_yticks(rows, [f"tier {i + 1}" for i in range(n_tiers)], fontsize=LABEL_SIZE)
    noun = "samples" if io.step_samples == 1 else "frames"
    _draw_time(axis, noun)
    axis.set_ylim(-0.6, n_tiers - 0.4)
    title = f"tiers of {', '.join(map(str, sizes))} {noun}; in orange, what is predicted"
    axis.set_title(title, fontsize=LABEL_SIZE + 1, loc="left")
    return Picture(figure, title)


def _describe(size: int, n_layers: int, looks: int, seconds: list[float]) -> str:
    """Two lines: what a tier reads, and how far that goes back in one layer and in all."""
    one, all_layers = (f"{1000 * s:.3g} ms" if s < 1 else f"{s:.2f} s" for s in seconds)
    if n_layers == 0:
        return f"frames of {size}\n{one}"
    if n_layers == 1:
        return f"frames of {size}; 1 layer looks at {looks}\n{one}"
    return f"frames of {size}; {n_layers} layers look at {looks} each\n{one}, together {all_layers}"


def _describe_context(network: SamplerTransformerConfig, io: IOSpec) -> str:
    """A third line: how far back the slowest tier hears besides, and how often it listens."""
    if network.context is None:
        return ""
    frame = float(network.context.frame_size * io.step_seconds)
    reach, interval = network.context.window * frame, network.context.refresh * frame
    return f"\ncontext of {reach:.3g} s, each {interval:.2g} s"


def _draw_frames(axis: Axes, y: float, size: int, period: int, looks: int) -> None:
    """Boxes of the frames; of those that overlap, what each adds to the next."""
    for k in range(1, looks):
        start = size + (k - 1) * period
        axis.barh(y, period, left=start, height=0.5, color=LOOK_COLOUR, ec="white", lw=0.5)
    axis.barh(y, max(size - 1, 0.5), left=1, height=0.5, color=FRAME_COLOUR, ec="white")


def _draw_condition(axis: Axes, above: float, below: float, frame: int) -> None:
    place = max(1.3, frame**0.5)
    axis.annotate(
        "",
        xy=(place, below + 0.27),
        xytext=(place, above - 0.27),
        arrowprops={"arrowstyle": "-|>", "color": "#555555", "lw": 1.2},
    )


def _draw_time(axis: Axes, noun: str) -> None:
    """Logarithmic time that ends with what is predicted."""
    axis.set_xscale("log", base=2)
    axis.set_xlim(1.1 * max(axis.get_xlim()), 0.65)
    axis.set_xlabel(f"{noun} back from the predicted one", fontsize=LABEL_SIZE)
    axis.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    axis.tick_params(labelsize=LABEL_SIZE - 1)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
