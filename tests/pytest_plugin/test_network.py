"""Suites that keep their tests from the network still reach the emulator, and nothing else."""

import socket
import threading

import pytest

from twilio_fax_compat.pytest_plugin.backends.network import Network

TEST = """
    import socket
    import app, pytest

    def test_it():
        assert app.wait(app.send().sid) == "delivered"
        with pytest.raises(RuntimeError):
            socket.create_connection(("127.0.0.1", 9))
"""

GUARD = """
    import pytest, socket

    class Guarded(socket.socket):
        def __new__(cls, *args, **kwargs):
            raise RuntimeError("a test uses the network")

    def guarded(*args, **kwargs):
        raise RuntimeError("a test uses the network")

    @pytest.fixture(autouse=True)
    def no_network(monkeypatch):
        monkeypatch.setattr({})
"""


@pytest.mark.parametrize(
    "blocked",
    [
        "socket, 'socket', Guarded",
        "socket.socket, 'connect', guarded",
        "'socket.create_connection', guarded",
    ],
)
def test_a_block_by_hand(suite, blocked):
    """The three places where blocks are put."""
    suite.pytester.makeconftest(GUARD.format(blocked))
    suite.test(TEST)

    suite.run().assert_outcomes(passed=1)


def test_the_block_of_pytest_recording(suite):
    """As it comes."""
    pytest.importorskip("pytest_recording")
    suite.test(TEST)

    suite.run("--block-network").assert_outcomes(passed=1)


def test_the_block_is_put_back_by_the_last_thread(monkeypatch):
    """Two threads that overlap leave the block as it was."""
    network = Network()
    before = socket.socket.connect
    guard = lambda *_args: None
    monkeypatch.setattr(socket.socket, "connect", guard)
    inside, leave = threading.Event(), threading.Event()

    def other():
        with network.opened():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    with network.opened():
        leave.set()
        thread.join()
        assert socket.socket.connect == before
    assert socket.socket.connect is guard
