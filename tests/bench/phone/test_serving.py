"""What a server of phones refuses, and how a page that lost its connection goes on."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from stampbench.bench.phone.serving import LARGEST_MESSAGE, MOST_MESSAGES_PER_S

connecting = pytest.importorskip("websockets.sync.client")
exceptions = pytest.importorskip("websockets.exceptions")

HELLO = {
    "page": "a1", "width": 412, "height": 915, "ratio": 2.6, "touches": 10, "agent": "Test (X; Pixel 7)",
    "coalesced": True, "platform": "Android", "brand": "", "t": 0.0,
}  # fmt: skip
FIVE = [[n, 50.0 + 40.0 * n, 100.0 + 7.0 * n * n, 10.0, 0.5] for n in range(5)]


@contextmanager
def page(served, *, token=None, origin=None):
    """The socket of a page."""
    base, _, right = served.url.partition("/?token=")
    address = base.replace("http", "ws") + "/socket?token=" + (right if token is None else token)
    with connecting.connect(address, origin=origin or base) as socket:
        yield socket


def say(socket, **fields):
    socket.send(json.dumps(fields))


def heard(socket):
    return json.loads(socket.recv(10))


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=%FF"])
def test_without_the_token_no_page_is_served(served, query):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(served.url.partition("?")[0] + query)
    with refused.value as answer:
        assert answer.code == 403


def test_the_page_fetches_nothing_from_elsewhere(served):
    with urllib.request.urlopen(served.url) as answer:
        text = answer.read().decode()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "http://" not in text
    assert "https://" not in text


@pytest.mark.parametrize("given", [{"token": "wrong"}, {"origin": "http://elsewhere.example"}])
def test_a_socket_without_the_token_or_of_another_origin_is_refused(served, given):
    with pytest.raises(exceptions.InvalidStatus), page(served, **given):
        pass


@pytest.mark.parametrize(
    "message",
    [
        "no json",
        json.dumps({"reports": [[1, 1.0, "move", FIVE]]}),
        json.dumps({"hello": HELLO | {"width": -1}}),
    ],
)
def test_a_message_that_no_page_sends_ends_the_connection(served, message):
    with page(served) as socket:
        socket.send(message)
        with pytest.raises(exceptions.ConnectionClosed):
            socket.recv(10)


def test_a_message_over_the_stated_size_ends_the_connection(served):
    with page(served) as socket:
        say(socket, hello=HELLO | {"agent": "x" * LARGEST_MESSAGE})
        with pytest.raises(exceptions.ConnectionClosed):
            socket.recv(10)


def test_more_messages_than_the_stated_rate_end_the_connection(served):
    with page(served) as socket:
        say(socket, hello=HELLO)

        def flood():
            for _ in range(20 * MOST_MESSAGES_PER_S):
                say(socket)

        with pytest.raises(exceptions.ConnectionClosed):
            flood()


def test_a_page_that_lost_its_connection_goes_on_where_it_was(served):
    with page(served) as socket:
        say(socket, hello=HELLO)
        assert heard(socket) == {"ack": 0, "resume": True}
        say(socket, reports=[[1, 0.0, "down", FIVE], [2, 8.0, "move", FIVE]])
        assert heard(socket) == {"ack": 2}
    with page(served) as socket:
        say(socket, hello=HELLO)
        assert heard(socket) == {"ack": 2, "resume": True}
        say(socket, reports=[[2, 8.0, "move", FIVE], [3, 16.0, "move", FIVE], [4, 24.0, "up", []]])
        assert heard(socket) == {"ack": 4}
        served.wait(lambda: served.presses)
    assert (served.presses[0].reports, served.presses[0].lost, served.presses[0].faults) == (4, 0, ())


def test_a_page_loaded_anew_in_a_press_makes_it_an_error(served):
    with page(served) as socket:
        say(socket, hello=HELLO)
        say(socket, reports=[[1, 0.0, "down", FIVE]])
        heard(socket)
        heard(socket)
    with page(served) as socket:
        say(socket, hello=HELLO | {"page": "b2"})
        heard(socket)
        served.wait(lambda: served.presses)
    assert "the page was left or loaded anew" in served.presses[0].faults


def test_two_phones_at_once_are_told_apart(served):
    with page(served) as one, page(served) as other:
        say(one, hello=HELLO)
        say(other, hello=HELLO | {"page": "b2"})
        heard(one)
        heard(other)
        first, second = served.phones
        assert first.presses.scale is not second.presses.scale
