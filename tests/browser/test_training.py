"""The training notebooks in JupyterLab, used as a person would, from Start to Stop and back."""

import json
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.write import write
from tests.browser.lab import Notebook, write_notebook
from tests.browser.test_waveform import Hand, close

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LAST = "train"  # the cell with the view
TINY = {
    "20_train_latent": {},
    "25_train_freqnet": {"n_fft": 512, "hop_length": 128},
    "21_train_sample_rnn": {"frame_sizes": [8, 4, 4]},
    "22_train_wavenet": {"n_layers": 4},
}
NEWEST = "app.panel.timeline.players[str(app.trainer.previews[-1].path)]"
BLUE = """() => { const canvas = document.querySelector('.mnb-losses');
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d').getImageData(0, 40, width, height - 40);
    let blue = 0;
    for (let i = 0; i < data.length; i += 4) blue += data[i + 2] > data[i] + 60;
    return blue; }"""
UNNAMED = """() => [...document.querySelectorAll('.mnb-view :is(input, select, textarea, button, \
    [role=slider], [role=button], [role=img])')].filter(e => !e.ariaLabel && !e.labels?.length
    && !e.innerText?.trim()).map(e => e.outerHTML.slice(0, 200))"""
UNREACHABLE = """() => [...document.querySelectorAll('.mnb-view :is(input, select, textarea, \
    button, [role=slider], [role=button])')].filter(e => e.tabIndex < 0)
    .map(e => e.outerHTML.slice(0, 200))"""


def place(lab, stem: str, folder: str, **values: object) -> str:
    """Copy a notebook, up to the view, with values in place of its parameters; its path."""
    content = nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4)
    ids = [cell.id for cell in content.cells]
    content.cells = content.cells[: ids.index(LAST) + 1]
    lines = [f"{name} = {value!r}" for name, value in values.items()]
    content.cells.insert(2, nbformat.v4.new_code_cell("\n".join(lines), id="values"))
    (lab.root / folder).mkdir(parents=True, exist_ok=True)
    nbformat.write(content, lab.root / folder / f"{stem}.ipynb")
    return f"{folder}/{stem}.ipynb"


class View:
    """A hand on the training view."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook

    @property
    def root(self):
        return self.notebook.page.locator(".mnb-view").first

    def button(self, name: str):
        return self.root.get_by_role("button", name=name, exact=True)

    def fold(self, text: str):
        return self.root.locator("button.mnb-fold").filter(has_text=text)

    def box(self, name: str):
        return self.root.get_by_role("textbox", name=name, exact=True)

    def type_in(self, name: str, text: str) -> None:
        self.box(name).last.fill(text)
        self.box(name).last.press("Tab")

    def wait_for(self, state: str) -> None:
        self.notebook.eventually("app.trainer.state", state, 60)
        expect(self.root.locator("b", has_text=state).first).to_be_visible()


@pytest.fixture(scope="module")
def figures(screenshots):
    """What was measured, kept beside the pictures."""
    found: dict[str, object] = {}
    yield found
    (screenshots / "training.json").write_text(json.dumps(found, indent=2))
    print(json.dumps(found))


@pytest.mark.parametrize("stem", TINY)
def test_a_training_by_hand(notebook, lab, stem, screenshots, figures):
    values = {"max_minutes": 10.0, "every_steps": 20, **TINY[stem]}
    path = place(lab, stem, f"by_hand_{stem[:2]}", **values)
    view = View(notebook.open(path).run_all())
    expect(view.button("Stop")).to_be_disabled()
    edit_a_setting(view)
    notebook.page.screenshot(path=screenshots / f"{stem}_settings.png")

    start = view.button("Start")
    start.focus()
    start.press("Enter")
    view.wait_for("running")
    notebook.poll(lambda: notebook.page.evaluate(BLUE) > 200, 60, "the curve is drawn")
    assert notebook.value("app.trainer.run.config['training']['batch_size']") == 4

    view.button("Pause").click()
    view.wait_for("paused")
    step = notebook.value("app.trainer.status.step")
    view.button("Resume").click()
    notebook.poll(lambda: notebook.value("app.trainer.status.step") > step, 60, "it goes on")

    steer(view)
    listen_and_mark(view)
    keys_stay_inside(view)
    notebook.page.screenshot(path=screenshots / f"{stem}_running.png")

    reopen_while_it_trains(view, path)
    stop(view, figures, stem)
    notebook.page.screenshot(path=screenshots / f"{stem}_stopped.png")
    folder = Path(notebook.value("str(app.trainer.run.folder.resolve())"))
    assert notebook.value("app.result.state") == "stopped"
    assert list((folder / "checkpoints").glob("*.safetensors"))
    assert notebook.save() < 60_000
    notebook.assert_clean()


def edit_a_setting(view: View) -> None:
    """Open the settings by keyboard, type nonsense, see it said, put it right."""
    settings = view.fold("parameters")
    settings.focus()
    settings.press("Enter")
    view.fold("Training").click()
    expect(view.box("batch size")).to_be_visible()
    view.type_in("batch size", "many")
    expect(view.root.locator(".mnb-wrong", has_text="batch size").first).to_be_visible()
    view.notebook.eventually("list(app.form.problems)", ["batch_size"])
    view.button("Start").click()
    expect(view.root).to_contain_text("Settings can't be used: batch size")
    view.type_in("batch size", "4")
    view.notebook.eventually("(app.form.problems, app.value.training.batch_size)", [{}, 4])
    view.fold("parameters").click()
    expect(view.box("batch size")).to_be_hidden()


def steer(view: View) -> None:
    """Change what may be changed while it trains, and hear a preview of it."""
    notebook = view.notebook
    view.root.get_by_label("learning rate").last.fill("0.0005")
    view.type_in("temperatures", "0.7")
    view.root.get_by_label("preview every", exact=True).fill("0")
    view.root.get_by_label("preview every", exact=True).press("Tab")
    view.button("Apply").click()
    expect(view.root).to_contain_text("learning rate 0.0005, previews by the button")
    notebook.eventually("app.trainer.status.learning_rate <= 0.0005", True)
    notebook.eventually("app.trainer.is_previewing", False, 60)
    before = notebook.value("len(app.trainer.previews)")
    view.button("Preview now").click()
    notebook.eventually(f"len(app.trainer.previews) > {before}", True, 60)
    notebook.eventually("app.trainer.previews[-1].temperature", 0.7)


def listen_and_mark(view: View) -> None:
    """Play the newest preview, mark a passage of it, drag the mark; Python knows where."""
    notebook = view.notebook
    expect(view.root.locator(".mnb-waveform").first).to_contain_text("temperature 0.7")
    hand = Hand(notebook, 0, notebook.value(f"{NEWEST}.duration_seconds"))
    expect(hand.root).to_have_attribute("data-ready", "true")
    hand.button("Loop").click()
    hand.button("Play").click()
    sound = "a => !a.paused && a.currentTime > 0.1 && a.played.length > 0 && !a.muted"
    audio = hand.root.locator("audio")
    notebook.poll(lambda: audio.evaluate(sound), what="the preview plays")
    hand.button("Pause").click()
    notebook.eventually(f"{NEWEST}.playing", False)
    hand.drag(1.0, 2.0)
    notebook.eventually(f"[round(t, 1) for t in {NEWEST}.selection or ()]", [1.0, 2.0])
    hand.press("s")
    notebook.eventually(f"len({NEWEST}.segments)", 1)
    hand.press("Escape")
    hand.drag(1.5, 2.5)
    notebook.eventually(close(f"{NEWEST}.segments[0]['start']", 2.0, 0.1), True)
    notebook.eventually(close(f"{NEWEST}.segments[0]['stop']", 3.0, 0.1), True)


def keys_stay_inside(view: View) -> None:
    """Letters typed at a button, a fold or a slider don't reach the notebook's shortcuts."""
    notebook = view.notebook
    before = [cell["id"] for cell in notebook.cells()]
    places = (view.button("Pause"), view.fold("parameters"), view.root.get_by_role("slider").first)
    for place_ in places:
        place_.focus()
        for key in ("a", "b", "d", "d", "x", "m"):
            notebook.page.keyboard.press(key)
    assert [cell["id"] for cell in notebook.cells()] == before
    assert notebook.value("app.trainer.state") == "running"


def reopen_while_it_trains(view: View, path: str) -> None:
    """Close the page, open the notebook again, run the cell: the training is where it is."""
    notebook = view.notebook
    notebook.save()
    folder, step = notebook.value("(str(app.trainer.run.folder), app.trainer.status.step)")
    notebook.reopen(path).run_all()
    assert notebook.value("app.trainer.state") == "running"
    assert notebook.value("str(app.trainer.run.folder)") == folder
    assert notebook.value("app.trainer.status.step") > step
    expect(view.root).to_contain_text("running")
    expect(view.root.locator(".mnb-waveform").first).to_be_visible()
    notebook.poll(lambda: notebook.page.evaluate(BLUE) > 200, 60, "the curve is drawn again")


def stop(view: View, figures: dict, name: str) -> None:
    """Press Stop; how long it took, from the page's press to the last checkpoint written."""
    notebook = view.notebook
    notebook.execute(
        "import time, threading\n"
        "def wait():\n    global ended\n    app.trainer.job.wait()\n    ended = time.time()\n"
        "threading.Thread(target=wait, daemon=True).start()"
    )
    button = view.button("Stop")
    button.evaluate("b => b.addEventListener('click', () => { window.pressed = Date.now(); })")
    button.click()
    view.wait_for("stopped")
    notebook.eventually("'ended' in globals()", True)
    took = notebook.value("ended") - notebook.page.evaluate("() => window.pressed") / 1000
    figures[f"{name}: seconds from Stop to the end"] = round(took, 3)


def test_a_newcomer_hears_a_first_preview(notebook, lab, tmp_path, screenshots, figures):
    """Open the notebook as it is, drop two files, press Start, listen."""
    path = place(lab, "21_train_sample_rnn", "newcomer", max_minutes=10.0)
    sounds = [tmp_path / "first take.wav", tmp_path / "second take.flac"]
    for seed, file in enumerate(sounds):
        write(file, demo_music(22050, 20.0, seed), 22050)
    view = View(notebook.open(path).run_all())
    view.root.scroll_into_view_if_needed()
    notebook.page.screenshot(path=screenshots / "newcomer_1_open.png")
    drop(view, sounds)
    expect(view.root).to_contain_text("2 files", timeout=60_000)
    view.fold("What was found").click()
    expect(view.root).to_contain_text("second take.flac")
    notebook.page.screenshot(path=screenshots / "newcomer_2_dropped.png")
    notebook.execute("import time; began = time.time()")
    view.button("Start").click()
    notebook.eventually("len(app.trainer.previews) > 0", True, 120)
    took = notebook.value("time.time() - began")
    figures["seconds from Start to the first preview"] = round(took, 1)
    notebook.execute("app.trainer.set_preview_interval(0)")  # so that no other takes its place
    notebook.eventually("app.trainer.is_previewing", False, 60)
    player = view.root.locator(".mnb-waveform").first
    player.scroll_into_view_if_needed()
    expect(player).to_have_attribute("data-ready", "true")
    player.get_by_role("button", name="Play", exact=True).click()
    audio = player.locator("audio")
    notebook.poll(lambda: audio.evaluate("a => a.currentTime > 0.2 && !a.paused"), what="it plays")
    notebook.page.screenshot(path=screenshots / "newcomer_3_preview.png")
    assert notebook.value("[f.path.rsplit('/')[-1] for f in app.sources.corpus.files]") == [
        sound.name for sound in sounds
    ]
    stop(view, figures, "newcomer")
    notebook.assert_clean()


def drop(view: View, files: list[Path]) -> None:
    """Drop files on the view, as a file manager does."""
    contents = [[file.name, list(file.read_bytes())] for file in files]
    transfer = view.notebook.page.evaluate_handle(
        """(files) => { const all = new DataTransfer();
        for (const [name, bytes] of files) all.items.add(new File([new Uint8Array(bytes)], name));
        return all; }""",
        contents,
    )
    zone = view.root.locator(".mnb-drop")
    for event in ("dragover", "drop"):
        zone.dispatch_event(event, {"dataTransfer": transfer})


OPEN = """
from mimikit_nb.widgets.train import train
app = train("", "sample_rnn/tiny", "{out}", max_minutes=10, preview_every_steps=0, {more})
app.run()
"""


def test_presses_reach_python_while_it_trains_on_all_cores(notebook, lab, figures):
    """Sixty presses during a training on both cores; when Python heard of each."""
    (lab.root / "presses").mkdir(exist_ok=True)
    cores = "import torch, time\ntorch.set_num_threads(2)\nheard = []"
    hear = "app.panel.steering.apply_button.on_click(lambda _: heard.append(time.time()))"
    opened = OPEN.format(out="runs", more="checkpoint_every_steps=100")
    write_notebook(lab.root / "presses" / "n.ipynb", cores, opened, hear)
    view = View(notebook.open("presses/n.ipynb").run_all())
    view.button("Start").click()
    notebook.eventually("app.trainer.steps_per_second > 0", True, 60)
    button = view.button("Apply")
    expect(button).to_be_enabled()
    button.evaluate(
        "b => { window.pressed = []; b.addEventListener('click', () => pressed.push(Date.now())); }"
    )
    for _ in range(60):
        button.click()
        notebook.page.wait_for_timeout(150)
    notebook.eventually("len(heard)", 60)
    pressed = notebook.page.evaluate("() => window.pressed")
    delays = sorted(h - p / 1000 for h, p in zip(notebook.value("heard"), pressed, strict=True))
    figures["press to Python, seconds, 95 % within"] = round(delays[56], 3)
    figures["press to Python, seconds, median and most"] = [round(delays[i], 3) for i in (30, 59)]
    figures["steps per second meanwhile"] = notebook.value("app.trainer.steps_per_second")
    stop(view, figures, "two cores")
    notebook.assert_clean()


MADE = """
import shutil
from pathlib import Path
from mimikit_nb.widgets.train import train
run = train("", "sample_rnn/tiny", "made", headless=True, max_steps=2, preview_every_steps=2).run()
(sound,) = run.samples_folder.glob("*.wav")
for n in (2, 10, 50):
    samples = Path(f"with_{n}/run_001/samples")
    shutil.copytree(run.folder, samples.parent)
    for step in range(1, n):
        shutil.copy(sound, samples / f"step_{100 * step:08d}_01.wav")
"""
SHOWN = """
import time
began = time.time()
app = train("", "sample_rnn/tiny", f"with_{n}", max_steps=2)
app.run()
took = time.time() - began
"""


def test_fifty_previews_weigh_no_more_than_two(notebook, lab, figures, screenshots):
    (lab.root / "previews").mkdir(exist_ok=True)
    write_notebook(lab.root / "previews" / "n.ipynb", SHOWN)
    notebook.open("previews/n.ipynb").execute(MADE)
    sizes = {n: open_previews(notebook, n, figures) for n in (2, 10, 50)}
    assert sizes[50] < sizes[2] + 200
    view = View(notebook)
    view.root.get_by_role("listbox", name="earlier").select_option(index=list(range(47)))
    players = view.root.locator(".mnb-waveform")
    expect(players).to_have_count(50)
    players.last.scroll_into_view_if_needed()
    expect(players.last).to_have_attribute("data-ready", "true")
    notebook.page.screenshot(path=screenshots / "fifty_previews.png")
    assert notebook.save() < sizes[2] + 200
    notebook.assert_clean()


def open_previews(notebook: Notebook, n: int, figures: dict) -> int:
    """Open a view of a run with n previews; the size of the saved notebook."""
    notebook.execute(f"n = {n}")
    notebook.run_all()
    players = View(notebook).root.locator(".mnb-waveform")
    expect(players).to_have_count(min(n, 3))
    players.first.scroll_into_view_if_needed()
    expect(players.first).to_have_attribute("data-ready", "true")
    assert notebook.value("len(app.trainer.previews)") == n
    figures[f"seconds to open {n} previews"] = round(notebook.value("took"), 2)
    return notebook.save()


def test_every_control_has_a_name_and_is_reached_by_keyboard(notebook, lab):
    (lab.root / "names").mkdir(exist_ok=True)
    write_notebook(lab.root / "names" / "n.ipynb", OPEN.format(out="runs", more=""))
    view = View(notebook.open("names/n.ipynb").run_all())
    for text in ("What it learns from", "parameters", "Feature", "Training"):
        expect(view.fold(text)).to_be_visible()
        view.fold(text).focus()
        view.fold(text).press("Enter")
    expect(view.box("batch size")).to_be_visible()
    expect(view.root.locator(".mnb-waveform")).to_have_attribute("data-ready", "true")
    notebook.poll(lambda: not notebook.page.evaluate(UNNAMED), 30, "all controls have names")
    assert not notebook.page.evaluate(UNREACHABLE)
    slider = view.root.get_by_role("slider", name="smoothing")
    slider.focus()
    before = notebook.value("app.panel.smoothing.value")
    slider.press("ArrowLeft")
    notebook.eventually(f"app.panel.smoothing.value < {before}", True)
    notebook.assert_clean()
