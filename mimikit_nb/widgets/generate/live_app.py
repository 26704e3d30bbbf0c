"""Play a trained network: hear it while it sounds, and steer it.

::

    app = live("runs/sample_rnn/run_001", n=3)
    app.run()       # shows the view; a headless run writes so many seconds to a WAV
    app.value       # the settings as they stand

Main names: :func:`live`, :class:`LiveView`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

from IPython.display import display

from ...arguments import PathArg, Real, Seconds, Seed, SoundCount, checked_with
from ...checkpoint import Checkpoint
from ...corpus.store import Corpus
from ...generation.engine_options import EngineOptions
from ...generation.live import KEPT_SECONDS, LivePlay, LiveSettings
from ...recipes.generating import stream
from ...recipes.playing import voices_of
from ...runtime import is_headless, say
from ..player.live_sound import LiveSound
from .live_model import Playing
from .live_panel import LivePanel


@checked_with(stream)
def live(
    ck: Checkpoint | PathArg,
    corpus: Corpus | PathArg | None = None,
    prompt: Any = None,
    prompt_seconds: Seconds = 1.0,
    temperature: Annotated[float, Real(0, 10)] = 1.0,
    n: SoundCount = 1,
    seed: Seed = 0,
    *,
    top_p: Annotated[float, Real(0, 1, is_open=True)] = 1.0,
    recorded: Annotated[float, Real(0, 1)] | None = None,
    follow: Annotated[float, Real(0.02, 60)] | None = None,
    gain_db: Annotated[float, Real(-200, 200)] | None = None,
    seconds: Seconds = 20.0,
    out: PathArg = Path("outputs/live"),
    engine: EngineOptions | None = None,
    headless: bool | None = None,
    foreground: bool | None = None,
    **options: Any,
) -> LiveView:
    """Play a trained network live: sound begins while it is made, and every control acts at once.

    Several prompts, or ``n`` above 1, are several voices, each with its level. What the buttons
    do is told in :mod:`mimikit_nb.generation.live`.

    Parameters
    ----------
    ck, corpus, prompt, prompt_seconds : optional
        What goes on behind which prompts, see :func:`mimikit_nb.stream`.
    temperature : float, default 1.0
        What the view begins with, 0 to 2.
    n : int > 0, default 1
        Voices behind each prompt.
    seed : int, default 0
        Of the first voice; the others count on from it.
    top_p : float, default 1.0
        What the view begins with; below 1 each step takes longer.
    recorded, follow : float, optional
        What the view begins with, for networks that play their recording, see
        :func:`mimikit_nb.stream`.
    gain_db : float, optional
        Loudness of all voices together, also of what is kept; so that several voices are about
        as loud as one, if not given.
    seconds : float > 0, default 20.0
        How much "Keep the last" keeps at first, at most 60, and how much a headless run writes.
    out : path, default "outputs/live"
        Folder for what is kept.
    engine : EngineOptions, optional
        How steps are compiled; with weights of half precision if not given, since a voice that
        is made fast obeys soon.
    headless : bool, optional
        Whether to write a file instead of making widgets; found out if None.
    foreground : bool, optional
        Whether blocks are made whenever the browser asks for some, instead of in a thread; in
        Colab if None.
    **options
        ``fixtures`` and ``device``, see :func:`mimikit_nb.stream`.

    Returns
    -------
    LiveView
        ``.run()`` shows it.

    Raises
    ------
    PromptError
        If a prompt is too short or lies outside the corpus.
    ConfigError
        If a setting is out of range.

    Examples
    --------
    >>> playing = mnb.live("runs/first", corpus, seconds=0.5, out="kept", headless=True)
    >>> path = playing.run()
    kept/live_001.wav
    """
    settings = LiveSettings(
        temperature=temperature,
        top_p=top_p,
        recorded=recorded,
        follow=follow,
        gain_db=gain_db or 0.0,
        seed=seed,
    )
    play = voices_of(
        *(ck, corpus, prompt, prompt_seconds, n, settings),
        engine=engine or EngineOptions(weights="bf16"),
        **options,
    )
    if gain_db is None:
        even = round(-10 * math.log10(len(play.voices)), 1) + 0.0  # no -0.0
        play.settings = play.settings.model_copy(update={"gain_db": even})
    is_still = is_headless() if headless is None else headless
    return LiveView(play, Path(out), seconds, headless=is_still, foreground=foreground)


class LiveView(Playing):
    """Voices that sound, and the view onto them; made by :func:`live`.

    Attributes
    ----------
    sound : LiveSound or None
        Their way to the browser; None in a headless run.
    """

    def __init__(
        self, play: LivePlay, out: Path, seconds: float, *, headless: bool, foreground: bool | None
    ) -> None:
        super().__init__(play, out, seconds)
        self.headless = headless
        self.sound: LiveSound | None = None
        if not headless:
            self.sound = LiveSound(
                lambda: play,
                play.sample_rate,
                play.n_channels,
                title="Live play",
                foreground=foreground,
                on_change=lambda: self.panel.refresh(),
            )
            self.panel = LivePanel(self, self.sound)

    @property
    def widget(self) -> Any:
        """The interactive view; None in a headless run."""
        return None if self.headless else self.panel.widget

    @property
    def unheard_seconds(self) -> float:
        """What waits in the browser."""
        return 0.0 if self.sound is None else self.sound.buffered_seconds

    def run(self) -> Path | None:
        """Show the view; headless, write ``seconds`` of sound to a WAV and print where."""
        if not self.headless:
            display(self.widget)
            return None
        made, n = 0, round(min(self.seconds, KEPT_SECONDS) * self.play.sample_rate)
        while made < n:
            made += next(self.play).shape[-1]
        path = self.keep(n / self.play.sample_rate, made - n)
        say(path)
        return path

    def stop(self) -> None:
        """Be silent."""
        if self.sound is not None:
            self.sound.stop()

    def _ipython_display_(self) -> None:
        if self.widget is not None:
            display(self.widget)
        else:
            say(repr(self))

    def __repr__(self) -> str:
        voices = ", ".join(voice.name for voice in self.play.voices)
        return f"LiveView({voices}; {len(self.kept)} kept)"
