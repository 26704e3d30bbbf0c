"""Kinds of input faults, and the test of each fault that was once found; told after a run."""

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

from tests.safety.hostile import hostile_values

KINDS = {
    "test_sound_is_kept.py": "sound that gets lost",
    "test_sound_is_kept_by_decoders.py": "sound that gets lost",
    "test_arrays_of_sound.py": "sound that gets lost",
    "test_label_files.py": "labels that get lost",
    "test_data_is_not_destroyed.py": "data that gets destroyed",
    "test_paths_and_output.py": "paths and output",
    "test_paths_mean_the_same.py": "paths and output",
    "test_scores_and_configs.py": "arguments",
    "test_arguments.py": "arguments",
    "test_mutations.py": "damaged files",
}

_DECODERS = "safety/test_sound_is_kept_by_decoders.py"
FAULTS = {
    "a VBR MP3 without a header": (
        _DECODERS,
        "test_a_variable_bit_rate_without_a_header_is_read_to_the_end",
    ),
    "joined streams": (_DECODERS, "test_joined_files_are_read_to_the_end"),
    "a file name that isn't UTF-8": (
        "safety/test_paths_and_output.py",
        "test_a_name_that_is_no_text_is_checked_like_any_other",
    ),
    "overwrite=True replaces anything": (
        "safety/test_data_is_not_destroyed.py",
        "test_a_corpus_replaces_nothing_but_a_corpus",
    ),
    "inverted stereo mixed to mono": (
        "safety/test_sound_is_kept.py",
        "test_a_mono_corpus_refuses_what_the_mix_makes_silent",
    ),
    "a recorder that lost power": (
        _DECODERS,
        "test_a_recorder_that_lost_power_leaves_all_its_sound",
    ),
    "an integer prompt": (
        "safety/test_arrays_of_sound.py",
        "test_an_integer_prompt_is_as_loud_as_its_file",
    ),
    "two sweeps into one folder": (
        "safety/test_data_is_not_destroyed.py",
        "test_two_sweeps_of_one_folder_keep_each_others_rows",
    ),
    "a notebook without a language": ("test_batch.py", "test_a_notebook_of_another_editor_runs"),
    "a list of numpy numbers as parameter": (
        "test_batch.py",
        "test_numbers_of_numpy_arrive_as_numbers",
    ),
    "~ in paths": ("safety/test_paths_mean_the_same.py", "test_a_whole_session_at_home"),
    "a terminal that isn't UTF-8": (
        "safety/test_paths_and_output.py",
        "test_every_name_can_be_printed_on_every_terminal",
    ),
    "a named pipe among the sounds": (
        "safety/test_paths_and_output.py",
        "test_pipes_and_sockets_among_recordings_are_ignored_and_named",
    ),
    "scores that can't be played": (
        "safety/test_scores_and_configs.py",
        "test_a_score_that_is_none_is_refused_where_it_stands",
    ),
    "our own regions for REAPER": (
        "safety/test_label_files.py",
        "test_our_regions_for_reaper_are_read",
    ),
    "cue points of a trimmed file": (
        "safety/test_label_files.py",
        "test_cue_points_inside_are_kept_and_those_beyond_the_end_counted",
    ),
    "a header of 1 Hz": (_DECODERS, "test_a_rate_that_no_recording_has_is_refused"),
    "numpy numbers as settings": (
        "safety/test_paths_and_output.py",
        "test_a_corpus_keeps_numbers_of_numpy_as_numbers",
    ),
    "label files of every kind": (
        "safety/test_label_files.py",
        "test_what_is_no_label_file_is_refused_with_the_place",
    ),
    "half a W64 or AU file": (_DECODERS, "test_half_of_a_file_is_refused"),
    "-p seed 010": ("test_batch.py", "test_text_becomes_the_declared_type"),
    "a piece without an end": (
        "safety/test_scores_and_configs.py",
        "test_nothing_that_is_repeated_comes_to_an_end",
    ),
    "rates of prompts": (
        "safety/test_arrays_of_sound.py",
        "test_what_is_no_rate_is_refused_with_its_range",
    ),
    "a track onto another corpus": (
        "safety/test_data_is_not_destroyed.py",
        "test_tracks_never_land_on_another_corpus",
    ),
    "an edited config.yaml": (
        "safety/test_scores_and_configs.py",
        "test_an_edited_config_is_named_with_its_file_and_the_rest_goes_on",
    ),
}
"Faults that were once found, with the file and the name of the test of each."

WALK = "test_a_hostile_value_gives_a_result_or_an_error_of_ours"


def summary(passed: Iterable[str], failed: Iterable[str]) -> Iterator[str]:
    """Lines on the safety tests among the node ids that passed and failed."""
    counts: dict[str, list[int]] = {}
    for which, nodes in enumerate((passed, failed)):
        for node in nodes:
            file = PurePath(node.partition("::")[0])
            if file.parent.name == "safety" and file.name in KINDS:
                counts.setdefault(KINDS[file.name], [0, 0])[which] += 1
    for kind, (n_passed, n_failed) in counts.items():
        yield f"{kind}: {n_passed} passed, {n_failed} failed"


def walked(nodes: Iterable[str]) -> str:
    """What the walk over public functions tried; empty if it wasn't walked."""
    pairs = [node.partition("[")[2].rstrip("]") for node in nodes if f"::{WALK}[" in node]
    if not pairs:
        return ""
    n_functions = len({pair.rpartition("-")[0] for pair in pairs})
    n_values = len(hostile_values())
    return (
        f"walk: {n_functions} functions, {len(pairs)} arguments, {n_values} values each: "
        f"{len(pairs) * n_values} calls"
    )


def faults(nodes: dict[str, str]) -> Iterator[str]:
    """Outcome of each known fault whose test ran; ``nodes`` are outcomes by node id."""
    for fault, (file, name) in FAULTS.items():
        outcomes = {
            outcome
            for node, outcome in nodes.items()
            if node.startswith(f"tests/{file}::{name}") or f"/{file}::{name}" in node
        }
        if outcomes:
            kind: Any = KINDS.get(PurePath(file).name, "paths and output")
            yield f"{kind}: {fault}: {'failed' if 'failed' in outcomes else 'passed'}"
