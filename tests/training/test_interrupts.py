import os
import signal
import threading

import pytest

from mimikit_nb.training import Control
from mimikit_nb.training.interrupts import StopFile, stopping_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_and_the_handler_is_put_back(number):
    before, control = signal.getsignal(number), Control()
    with stopping_on_signals(control):
        os.kill(os.getpid(), number)
    assert control.cancelled
    assert number.name in control.reason
    assert signal.getsignal(number) is before


def test_a_second_interrupt_interrupts():
    with pytest.raises(KeyboardInterrupt), stopping_on_signals(Control()):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_other_threads_leave_signals_alone():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with stopping_on_signals(Control()):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_stop_file_is_obeyed_once(tmp_path):
    file = StopFile(tmp_path / "STOP", seconds=0)
    assert not file.taken()
    file.path.touch()
    assert file.taken()
    assert not file.taken()
    assert not file.path.exists()
