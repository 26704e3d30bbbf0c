"""What the check of arguments costs a call."""

import timeit

import pytest

import mimikit_nb as mnb
from tests.generation.ensemble.networks import make_checkpoint

CALLS = 5000


@pytest.mark.benchmark
def test_the_check_of_a_call_of_generate(capsys):
    arguments = {
        "ck": make_checkpoint("wavenet"),
        "prompt": 0.5,
        "seconds": 1.0,
        "n": 3,
        "seed": [1, 2, 3],
        "temperature": [0.5, 0.6, 0.7],
        "top_p": 0.9,
    }
    read = mnb.generate.arguments.read
    first = timeit.timeit(lambda: read((), arguments), number=1)
    seconds = min(timeit.repeat(lambda: read((), arguments), number=CALLS, repeat=5)) / CALLS
    with capsys.disabled():
        print(
            f"\narguments of generate: {1e6 * seconds:.0f} us a call, "
            f"{1e3 * first:.1f} ms the first of a process"
        )
