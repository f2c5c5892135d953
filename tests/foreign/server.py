#!/usr/bin/env python3
"""A feed on the library `websockets`, for tests: shows frames, and goes wrong as it is told.

    server.py --frames FRAMES.jsonl [--encoding binary] [--fault SPEC]...

SPEC is a part of what `stoop mock --fault` takes (docs/mock.md), and means the same: of triggers `conn`, `first`,
`after`, `every` and `end`; of actions those in STREAM, FRAME and CONNECTION below. What the library does of itself is
left to it: the handshake, pings, closes, and to check what the client sends. It would compress every message for a
client that offers to read that.

Says `listening HOST:PORT` on stderr. On stdout, one JSON object a line: {"conn", "extensions"} for each upgrade asked
for, with what the client offered; {"conn", "closed", "failed"} at the end of each connection, with the code of the
close that the client sent, and that by which the library refused what the client sent.
"""

import argparse
import asyncio
import http
import json
import platform
import re
import socket
import struct
import sys

import websockets
from websockets.exceptions import ConnectionClosed
from websockets.legacy.server import WebSocketServerProtocol, serve

TEXT, BINARY = 1, 2
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10
CUT_OFF = b'{"v":1,"t":"tweet","op":"content","ts":1781095200123,"d":{"tweetId":"20646'
NOT_UTF8 = b'{"v":1,"t":"tweet","op":"\xff\xfe"}'
NOISE = bytes(range(0x80, 0xC0))
STREAM = {"close", "fin", "rst", "stall", "freeze", "no-pong", "half", "claim", "long", "rubbish"}
FRAME = {"dup", "fragment", "rsv", "compressed", "masked"}
CONNECTION = {"refuse", "replay"}
# RFC 6455: codes by which an endpoint fails a connection over what it was sent.
FAILED = {1002, 1003, 1007, 1009}


class Fault:
    def __init__(self, spec):
        triggers, _, action = spec.rpartition(":")
        self.name, self.argument = re.fullmatch(r"([a-z-]+)(?:\((.*)\))?", action).groups()
        if self.name not in STREAM | FRAME | CONNECTION:
            raise ValueError(f"no action {self.name}")
        self.when = dict((word.split("=") + [""])[:2] for word in triggers.split(",") if word)

    def meets(self, conn):
        first, _, last = self.when.get("conn", "1-").partition("-")
        is_range = "-" in self.when.get("conn", "1-")
        last = int(last) if last else (sys.maxsize if is_range else int(first))
        return int(first) <= conn <= min(last, int(self.when.get("first", sys.maxsize)))

    def strikes_behind(self, taken, is_end):
        if "end" in self.when:
            return is_end
        every = int(self.when.get("every", 0))
        return taken > 0 and taken % every == 0 if every else taken == int(self.when.get("after", 0))

    def strikes_frame(self, number):
        every = int(self.when.get("every", 0))
        if every:
            return number % every == 0
        return number == int(self.when["after"]) + 1 if "after" in self.when else True

    def size(self):
        number, unit = re.fullmatch(r"(\d+)([KMG]?)", self.argument).groups()
        return int(number) << {"": 0, "K": 10, "M": 20, "G": 30}[unit]

    def seconds(self):
        number, unit = re.fullmatch(r"(\d+)(ms|s)", self.argument).groups()
        return int(number) / (1000 if unit == "ms" else 1)


def raw(payload, kind, flags=0, mask=None):
    """One whole frame as bytes; the library writes none that breaks the protocol."""
    masked = 0x80 if mask else 0
    if len(payload) < 126:
        head = struct.pack("!BB", 0x80 | flags | kind, masked | len(payload))
    else:
        head = struct.pack("!BBH", 0x80 | flags | kind, masked | 126, len(payload))
    if mask:
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return head + (mask or b"") + payload


def stored(payload):
    """DEFLATE that stores, as RFC 7692 has it."""
    return struct.pack("<BHH", 0, len(payload), len(payload) ^ 0xFFFF) + payload + b"\0"


def padded(size):
    head, tail = b'{"v":1,"t":"mock","op":"long","d":{"text":"', b'"}}'
    return head + b"a" * (size - len(head) - len(tail)) + tail


class Feed:
    def __init__(self, options):
        with open(options.frames, "rb") as file:
            self.frames = [line for line in file.read().split(b"\n") if line]
        self.kind = BINARY if options.encoding == "binary" else TEXT
        self.faults = [Fault(spec) for spec in options.fault]
        self.conns = 0
        # How many frames the connection before was shown, counted from the first of the input.
        self.place = 0

    def message(self, payload):
        return payload if self.kind == BINARY else payload.decode()


class Client(WebSocketServerProtocol):
    feed = None
    answers_pings = True

    async def process_request(self, path, request_headers):
        if request_headers.get("Upgrade", "").lower() != "websocket":
            # The REST interface, which is not here.
            return http.HTTPStatus.NOT_FOUND, [], b""
        self.feed.conns += 1
        self.conn = self.feed.conns
        self.faults = [fault for fault in self.feed.faults if fault.meets(self.conn)]
        tell(conn=self.conn, extensions=request_headers.get("Sec-WebSocket-Extensions"))
        for fault in self.faults:
            if fault.name == "refuse":
                return http.HTTPStatus(int(fault.argument)), [], b"refused\n"
        return None

    async def pong(self, data=b""):
        if self.answers_pings:
            await super().pong(data)

    async def serve(self):
        try:
            await self.play()
            await self.wait_closed()
        except ConnectionClosed:
            pass
        sent, received = self.close_sent, self.close_rcvd
        failed = sent.code if sent and not received and sent.code in FAILED else None
        tell(conn=self.conn, closed=received.code if received else None, failed=failed)

    async def play(self):
        """Shows frames until there are no more, or the connection is over or of no more use."""
        frames = self.feed.frames
        replay = next((int(fault.argument) for fault in self.faults if fault.name == "replay"), None)
        start = 0 if replay is None else max(0, self.feed.place - replay)
        for at in range(start, len(frames) + 1):
            self.feed.place = at
            for fault in self.faults:
                if fault.name in STREAM and fault.strikes_behind(at - start, at == len(frames)):
                    if await self.strike(fault, frames[at] if at < len(frames) else b""):
                        return
            if at < len(frames):
                await self.show(frames[at], at - start + 1)

    async def strike(self, fault, next_frame):
        """Lets a fault of the stream strike; true if nothing more is to be shown."""
        if fault.name == "close":
            await self.close(int(fault.argument))
        elif fault.name == "fin":
            self.transport.write_eof()
        elif fault.name == "rst":
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.transport.abort()
        elif fault.name == "stall":
            if fault.argument is None:
                return True
            await asyncio.sleep(fault.seconds())
            return False
        elif fault.name == "no-pong":
            self.answers_pings = False
            return False
        elif fault.name in ("freeze", "half"):
            if fault.name == "half":
                whole = raw(next_frame, self.feed.kind)
                self.transport.write(whole[: len(whole) // 2])
            self.transport.pause_reading()
        elif fault.name == "claim":
            self.answers_pings = False
            self.transport.write(struct.pack("!BBQ", 0x80 | TEXT, 127, fault.size()))
        elif fault.name == "long":
            await self.send(padded(fault.size()).decode())
            return False
        elif fault.name == "rubbish":
            if fault.argument == "utf8":
                self.transport.write(raw(NOT_UTF8, TEXT))
            else:
                await self.send(CUT_OFF.decode() if fault.argument == "json" else NOISE)
            return False
        return True

    async def show(self, frame, number):
        copies, pieces, broken = 1, None, None
        for fault in self.faults:
            if fault.name not in FRAME or not fault.strikes_frame(number):
                continue
            if fault.name == "dup":
                copies += int(fault.argument or 1)
            elif fault.name == "fragment":
                pieces = int(fault.argument)
            elif fault.name == "rsv":
                broken = raw(frame, self.feed.kind, RSV2 | RSV3)
            elif fault.name == "compressed":
                broken = raw(stored(frame), self.feed.kind, RSV1)
            elif fault.name == "masked":
                broken = raw(frame, self.feed.kind, mask=b"mask")
        for _ in range(copies):
            if broken:
                self.transport.write(broken)
            elif pieces:
                await self.send(self.cut(self.feed.message(frame), pieces))
            else:
                await self.send(self.feed.message(frame))

    @staticmethod
    async def cut(message, pieces):
        """A message that is sent as so many fragments. The library cuts no character in two."""
        size = max(1, -(-len(message) // pieces))
        for at in range(0, len(message), size):
            yield message[at : at + size]


def tell(**members):
    print(json.dumps(members), flush=True)


async def main():
    parser = argparse.ArgumentParser()
    version = f"Python {platform.python_version()}, websockets {websockets.__version__}"
    parser.add_argument("--version", action="version", version=version)
    parser.add_argument("--frames", required=True)
    parser.add_argument("--encoding", choices=["text", "binary"], default="text")
    parser.add_argument("--fault", action="append", default=[])
    Client.feed = Feed(parser.parse_args())
    server = await serve(
        Client.serve,
        "127.0.0.1",
        0,
        create_protocol=Client,
        compression="deflate",
        subprotocols=["tweetstream.v1"],
        ping_interval=None,
        close_timeout=1,
    )
    host, port = server.sockets[0].getsockname()
    print(f"listening {host}:{port}", file=sys.stderr, flush=True)
    await asyncio.Future()


asyncio.run(main())
