"""client.py ECHO CALENDAR OBEY: exchanges messages with the servers at these URLs. client.py --check: checks that it can run."""

# The client with threads is not used: it reads and writes a TLS connection at the same time, which
# OpenSSL does not allow, so about one in 1,400 openings over TLS gets no response.

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

if sys.argv[1] == "--check":
    sys.exit()
echo, calendar, obey = sys.argv[1:]


def open_(url, **options):
    return connect(url, proxy=None, open_timeout=10, close_timeout=10, **options)


async def status(url, **options):
    try:
        async with open_(url, **options):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


async def receive(socket):
    return await asyncio.wait_for(socket.recv(), 10)


async def pong(socket, payload):
    await asyncio.wait_for(await socket.ping(payload), 10)


async def end(socket):
    try:
        await receive(socket)
    except ConnectionClosed as closed:
        return closed.rcvd.code, closed.rcvd.reason
    raise AssertionError("a message instead of the end")


messages = ["hello", "", "0", b"", b"\x00\xff", "snow \u2603, clef \U0001d11e", "x" * 200_000, b"y" * 200_000]


async def main():
    async with open_(echo + "/any/path?query=1") as socket:
        assert socket.subprotocol is None
        for message in messages:
            await socket.send(message)
            assert await receive(socket) == message, message[:20]
        await socket.send(["in ", "three ", "frames"])
        assert await receive(socket) == "in three frames"
        await pong(socket, b"payload")

    async with open_(calendar + "/2013/10", subprotocols=["other", "mytest"]) as socket:
        assert socket.subprotocol == "mytest"
        assert await receive(socket) == "You are accessing YEAR = 2013, MONTH = 10"
        await pong(socket, b"still open")
        await socket.close(4001, "own reason")
        assert await end(socket) == (4001, "own reason")
    async with open_(calendar + "/2013/10", subprotocols=["other"]) as socket:
        assert socket.subprotocol is None

    async with open_(obey) as socket:
        await socket.send("ping")
        assert await receive(socket) == b"p"
        await socket.close(1000, "done")
    async with open_(obey) as socket:
        await socket.close(4001, "own reason")
    async with open_(obey) as socket:
        await socket.send("close")
        assert await end(socket) == (4002, "on demand")

    assert await status(calendar + "/2013/13") == 404
    assert await status(echo, origin="https://evil.org") == 403
    assert await status(echo, origin=echo.replace("ws", "http")) == 101


asyncio.run(main())
