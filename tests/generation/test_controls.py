"""Controls: numbers, one per stream, or functions of time; checked."""

import pytest
import torch

from mimikit_nb.errors import ParameterError
from mimikit_nb.generation.controls import Controls, refuse_unread


def test_one_number_serves_all_streams():
    values = Controls(temperature=0.7, top_k=3).at(0.0, 2)
    assert torch.equal(values["temperature"], torch.tensor([0.7, 0.7]))
    assert torch.equal(values["top_k"], torch.tensor([3, 3]))


def test_functions_are_asked_for_their_time():
    controls = Controls(temperature=lambda seconds: [1.0, 1.0 + seconds])
    assert controls.at(0.5, 2)["temperature"].tolist() == [1.0, 1.5]


@pytest.mark.parametrize(
    "bad", [{"temperature": -1}, {"temperature": 11}, {"top_p": 0.0}, {"top_k": -2}]
)
def test_values_out_of_range_are_refused_with_the_range(bad):
    with pytest.raises(ParameterError, match="must be from"):
        Controls(**bad).at(0.0, 1)


def test_a_list_needs_one_value_per_stream():
    with pytest.raises(ParameterError, match="2 values for 3 streams"):
        Controls(temperature=[1.0, 2.0]).at(0.0, 3)


def test_functions_are_named_in_the_recall_data():
    assert Controls(top_p=0.9).to_dict() == {"temperature": 1.0, "top_k": 0, "top_p": 0.9}
    assert "lambda" in Controls(temperature=lambda seconds: 1.0).to_dict()["temperature"]


def test_the_channels_of_a_stream_share_its_values():
    values = Controls(temperature=[0.5, 1.0], n_channels=2).at(0.0, 4)
    assert values["temperature"].tolist() == [0.5, 0.5, 1.0, 1.0]


def test_a_control_that_is_not_given_is_left_to_the_head():
    values = Controls(recorded=[None, 0.5]).at(0.0, 2)
    assert values["recorded"].tolist() == [-1.0, 0.5]
    assert values["follow"].tolist() == [-1.0, -1.0]
    assert Controls(follow=lambda seconds: None).at(0.0, 1)["follow"].tolist() == [-1.0]


@pytest.mark.parametrize("bad", [{"recorded": -1.0}, {"recorded": 1.5}, {"follow": -1.0}])
def test_optional_controls_have_limits_too(bad):
    with pytest.raises(ParameterError, match="must be from"):
        Controls(**bad).at(0.0, 1)


def test_optional_controls_stand_in_the_recall_data_where_they_are_given():
    facts = Controls(recorded=0.5, follow={"kind": "curve", "points": [[0, 1], [2, 3]]}).to_dict()
    assert facts["recorded"] == 0.5
    assert Controls(**facts).at(1.0, 1)["follow"].tolist() == [2.0]


def test_a_control_that_no_head_reads_is_refused():
    values = Controls(follow=1.0).at(0.0, 1)
    refuse_unread(values, ["temperature", "follow"])
    with pytest.raises(ParameterError, match="leave follow out"):
        refuse_unread(values, ["temperature"])
