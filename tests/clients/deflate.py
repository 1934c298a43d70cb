"""deflate.py PLAIN ALONE TAKEOVER DEMANDING: sends compressed messages to the echo servers at these URLs. The first one does
not compress, the second and the third accept the offer, and the fourth forbids context takeover. deflate.py --check: checks
that it can run."""

import os
import sys
from itertools import product

from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, PerMessageDeflate
from websockets.sync.client import connect

if sys.argv[1] == "--check":
    sys.exit()

SIZES = [0, 1, 125, 126, 127, 128, 129, 1000, 16_384, 65_535, 65_536, 65_537, 300_000, 4 << 20]
TEXT = "".join(f'{{"id": {i}, "name": "item \u2603 {i * 7919}"}},' for i in range(130_000))


def open_(url, **parameters):
    factory = ClientPerMessageDeflateFactory(**parameters)
    return connect(
        url,
        proxy=None,
        open_timeout=10,
        close_timeout=10,
        compression=None,
        extensions=[factory],
        max_size=None,
    )


def echo(socket, message):
    socket.send(message)
    assert socket.recv(timeout=30) == message, (type(message), len(message))


def fragments(socket, message, count):
    """Sends the message in this many fragments, with a ping after each."""
    size = max(1, -(-len(message) // count))
    for start in range(0, max(1, len(message)), size):
        yield message[start : start + size]
        assert socket.ping().wait(30), "no pong"


def converse(socket):
    for size in SIZES:
        for message in TEXT[:size], TEXT[:size].encode()[:size], os.urandom(size):
            echo(socket, message)
        for message in TEXT[:size], os.urandom(size) + bytes(size):
            socket.send(fragments(socket, message, 3))
            assert socket.recv(timeout=30) == message, (type(message), len(message))


plain, *compressing = sys.argv[1:]
with open_(plain) as socket:
    assert socket.protocol.extensions == []
    echo(socket, TEXT)

for url in compressing:
    is_demanding = url == compressing[-1]
    for server_alone, client_alone in product([False, True], repeat=2):
        parameters = {"server_no_context_takeover": server_alone, "client_no_context_takeover": client_alone}
        with open_(url, **parameters) as socket:
            [agreed] = socket.protocol.extensions
            assert isinstance(agreed, PerMessageDeflate)
            assert agreed.remote_no_context_takeover == (server_alone or is_demanding)
            assert agreed.local_no_context_takeover == (client_alone or is_demanding)
            converse(socket)
    for bits in 9, 12, 15:
        with open_(url, server_max_window_bits=bits, client_max_window_bits=bits) as socket:
            [agreed] = socket.protocol.extensions
            assert (agreed.remote_max_window_bits, agreed.local_max_window_bits) == (bits, bits)
            for size in 1000, 100_000:
                echo(socket, TEXT[:size])
                echo(socket, TEXT[:size])
    with open_(url, server_max_window_bits=8) as socket:
        assert socket.protocol.extensions == [], "zlib has no such window"
        echo(socket, TEXT)
