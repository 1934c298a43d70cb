"""client.py ECHO CALENDAR OBEY: exchanges messages with the servers at these URLs. client.py --check: checks that it can run."""

import sys

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

if sys.argv[1] == "--check":
    sys.exit()
echo, calendar, obey = sys.argv[1:]


def open_(url, **options):
    return connect(url, proxy=None, open_timeout=10, close_timeout=10, **options)


def status(url, **options):
    try:
        with open_(url, **options):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def end(socket):
    try:
        socket.recv(timeout=10)
    except ConnectionClosed as closed:
        return closed.rcvd.code, closed.rcvd.reason
    raise AssertionError("a message instead of the end")


messages = ["hello", "", "0", b"", b"\x00\xff", "snow \u2603, clef \U0001d11e", "x" * 200_000, b"y" * 200_000]
with open_(echo + "/any/path?query=1") as socket:
    assert socket.subprotocol is None
    for message in messages:
        socket.send(message)
        assert socket.recv(timeout=10) == message, message[:20]
    socket.send(["in ", "three ", "frames"])
    assert socket.recv(timeout=10) == "in three frames"
    assert socket.ping(b"payload").wait(10), "no pong"

with open_(calendar + "/2013/10", subprotocols=["other", "mytest"]) as socket:
    assert socket.subprotocol == "mytest"
    assert socket.recv(timeout=10) == "You are accessing YEAR = 2013, MONTH = 10"
    assert socket.ping(b"still open").wait(10), "no pong"
    socket.close(4001, "own reason")
    assert end(socket) == (4001, "own reason")
with open_(calendar + "/2013/10", subprotocols=["other"]) as socket:
    assert socket.subprotocol is None

with open_(obey) as socket:
    socket.send("ping")
    assert socket.recv(timeout=10) == b"p"
    socket.close(1000, "done")
with open_(obey) as socket:
    socket.close(4001, "own reason")
with open_(obey) as socket:
    socket.send("close")
    assert end(socket) == (4002, "on demand")

assert status(calendar + "/2013/13") == 404
assert status(echo, origin="https://evil.org") == 403
assert status(echo, origin=echo.replace("ws", "http")) == 101
