"""client.py URL: exchanges messages with upstream.mjs through the proxy at URL. client.py --check: checks that it can run."""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


async def closed(socket):
    """Receives until the end, and returns how the other side closed."""
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as end:
        return (end.rcvd.code, end.rcvd.reason) if end.rcvd else None


async def main(url):
    async with connect(url + "/any?path", subprotocols=["v1", "v2"], max_size=None) as socket:
        assert socket.subprotocol == "v2", socket.subprotocol
        for message in ["hello", "", "snow \u2603", "x" * 200_000, b"", bytes(range(256)) * 3000]:
            await socket.send(message)
            assert await socket.recv() == message
        # Sends everything at once, so that each side has to wait for the other.
        messages = [bytes([i]) * 200_000 for i in range(100)]
        sending = asyncio.create_task(send_all(socket, messages))
        for message in messages:
            assert await socket.recv() == message
        await sending
        await socket.send("header x-forwarded-for")
        assert await socket.recv() == "127.0.0.1"
        await socket.send("header host")
        assert await socket.recv() == url.removeprefix("ws://")
        await socket.close(4001, "own reason")

    async with connect(url) as socket:
        assert socket.subprotocol is None
        pong = await socket.ping()
        await pong
        await socket.close(1000, "")

    # None is a Close without a code, which the library reports as 1005.
    for command, expected in [
        ("close 1000 bye", (1000, "bye")),
        ("close 1014 behind", (1014, "behind")),
        ("close 4999 x", (4999, "x")),
        ("close", (1005, "")),
        ("vanish", (1014, "")),
    ]:
        async with connect(url) as socket:
            await socket.send(command)
            assert await closed(socket) == expected, (command, socket.close_code)

    try:
        async with connect(url + "/secret"):
            raise AssertionError("the handshake was not rejected")
    except InvalidStatus as refused:
        assert refused.response.status_code == 401
        assert refused.response.headers["WWW-Authenticate"] == "Basic"


async def send_all(socket, messages):
    for message in messages:
        await socket.send(message)


if sys.argv[1] != "--check":
    asyncio.run(asyncio.wait_for(main(sys.argv[1]), 60))
