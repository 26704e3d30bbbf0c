"""A view's own changes are told from those by hand, whatever thread these come in."""

import threading

from mimikit_nb.widgets.forms.quiet import Quiet


def test_only_the_thread_that_sets_is_quiet():
    quiet, seen = Quiet(), []
    hand = threading.Thread(target=lambda: seen.append(bool(quiet)))
    with quiet:
        assert quiet
        hand.start()
        hand.join()
    assert seen == [False]
    assert not quiet


def test_quiet_in_quiet_lasts_until_the_outer_one_ends_also_after_an_error():
    quiet = Quiet()
    with quiet:
        with quiet:
            pass
        assert quiet
    try:
        with quiet:
            raise ValueError
    except ValueError:
        assert not quiet
