"""foreign.py: runs an echo server on a port that it prints. foreign.py --check: checks that it can run."""

import asyncio
import http
import sys

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosedError


async def echo(socket):
    try:
        async for message in socket:
            if message == "close":
                await socket.close(4002, "on demand")
            elif message == "ping":
                await (await socket.ping("are you there"))
                await socket.send("pinged")
            else:
                await socket.send(message)
    except ConnectionClosedError:  # by any code but 1000 and 1001
        pass
    print(f"closed {socket.close_code} {socket.close_reason}".strip(), flush=True)


def refuse(connection, request):
    if request.path == "/no":
        return connection.respond(http.HTTPStatus.FORBIDDEN, "not today")


async def main():
    server = await serve(echo, "127.0.0.1", 0, subprotocols=["chat"], process_request=refuse, max_size=None,
                         select_subprotocol=lambda _, offered: "chat" if "chat" in offered else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.wait_closed()


if sys.argv[1:] != ["--check"]:
    asyncio.run(main())
