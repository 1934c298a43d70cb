"""deflate_tornado.py [URL EXTENSIONS]...: sends compressed messages to the echo servers at these URLs. Each server
must negotiate exactly these extensions. deflate_tornado.py --check: checks that Tornado is installed."""

import asyncio
import sys

from tornado.websocket import websocket_connect

if sys.argv[1] == "--check":
    sys.exit()

ITEMS = "".join(f'{{"id": {i}, "name": "item \u2603 {i * 7919}"}},' for i in range(4000))


async def converse(url, agreed):
    socket = await websocket_connect(url, compression_options={}, max_message_size=1 << 20)
    assert socket.headers.get("Sec-WebSocket-Extensions", "") == agreed, dict(socket.headers)
    for message in [ITEMS[i : i + 1024] for i in range(10)] + [ITEMS[:102_400], ITEMS[:1024]]:
        await socket.write_message(message)
        received = await asyncio.wait_for(socket.read_message(), 10)
        assert received == message, (len(message), received and len(received), socket.close_code)
    socket.close(1000, "done")
    assert await asyncio.wait_for(socket.read_message(), 10) is None
    assert (socket.close_code, socket.close_reason) == (1000, "done"), (socket.close_code, socket.close_reason)


for url, agreed in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    asyncio.run(converse(url, agreed))
