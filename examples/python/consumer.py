#!/usr/bin/env python3
"""Acts once on each of Stoop's decision lines. Python 3.9 or later, standard library only.

It prints what it would do, and does not place orders: put your own calls into the functions of DESKS.
docs/consumer.md explains the lines, and the guarantees of this program.
"""

import argparse
import json
import os
import signal
import sys
import time

SCHEMA = 1
REMEMBERED = 1024  # decisions; the oldest is forgotten, and its later steps are ignored
CHUNK = 1 << 20  # bytes read at once
LONGEST = 16 << 20  # bytes of a line
POLL_S = 0.05


# Replace the desks. `verb` is "enter", "replace" (leave the position and enter the asset of this line), "undo" (leave
# the position) or "tell" (for people: nothing to trade). A crash between an action and its record
# repeats that one action after the restart, so give the exchange `id` and `revision` as your order's own id: it then
# refuses the repeat.


def spot(verb, decision):
    say("spot", verb, decision)


def risk(verb, decision):
    say("risk", verb, decision)


DESKS = {"default": spot, "listings": spot, "perpetuals": spot, "risk": risk}


def unrouted(verb, decision):
    """Called for a destination without a desk."""
    note(f"seq {decision['seq']}: no desk for destination {plain(decision['destination'])}")
    say("nobody", verb, decision)


def say(desk, verb, decision):
    side, about = decision["side"], asset_name(decision["asset"])
    key = f"id={decision['id']} revision={decision['revision']} seq={decision['seq']}"
    print(f"{desk}: {verb} {side} {about} {key}", flush=True)


class Book:
    """The decisions seen: for each id the last revision and how it stands ("entered", "told", "out")."""

    def __init__(self, lives=None):
        self.lives = lives or {}

    def act(self, decision, now_ms):
        """The action for the next step of a decision: a verb of a desk, or None with the reason."""
        key, revision, kind = decision["id"], decision["revision"], decision["kind"]
        last, standing = self.lives.get(key, (-1, None))
        if revision <= last:
            return None, "repeat"
        verb, after = self._step(decision, kind, standing, now_ms > decision["expires_ms"])
        self.lives[key] = (revision, after)
        while len(self.lives) > REMEMBERED:
            del self.lives[next(iter(self.lives))]
        reason = {"out": "expired" if kind == "open" else "not entered"}.get(after, "nothing changes")
        return verb, None if verb else reason

    @staticmethod
    def _step(decision, kind, standing, is_over):
        can_trade = decision["side"] != "alert" and decision["asset"] is not None
        if kind == "open":
            if is_over:
                return None, "out"
            return ("enter", "entered") if can_trade else ("tell", "told")
        if standing in (None, "out"):
            return None, "out"
        if kind == "revise":
            if standing == "entered":
                # Past expires_ms: the wrong asset was entered, and it is too late to enter the right one.
                return ("undo", "out") if is_over else ("replace", "entered")
            return ("enter", "entered") if can_trade and not is_over else ("tell", "told")
        if kind == "cancel":
            return ("undo", "out") if standing == "entered" else ("tell", "out")
        if kind in ("confirm", "lapse"):
            return None, standing
        raise Unusable(f"kind {plain(kind)} is not known")


class State:
    """The last line that was acted on, and the book. Written after every line, whole or not at all."""

    def __init__(self, path):
        self.path, self.seq, self.decided_ns, self.book = path, None, None, Book()
        if path is None or not os.path.exists(path):
            return
        try:
            with open(path, encoding="utf-8") as file:
                kept = json.load(file)
            self.seq, self.decided_ns = int(kept["seq"]), int(kept["decided_ns"])
            self.book = Book({key: (int(life[0]), str(life[1])) for key, life in kept["decisions"].items()})
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise Unusable(f"{path}: not a state file of this program ({error})") from error

    def has_seen(self, decision):
        """Whether this line was acted on. Time comes first: it goes on from run to run, while seq starts at 0."""
        if self.seq is None:
            return False
        return (decision["decided_ns"], decision["seq"]) <= (self.decided_ns, self.seq)

    def missing(self, decision):
        """The first and last seq that are missing before this line, or None."""
        seq = decision["seq"]
        first = 0 if self.seq is None or seq <= self.seq else self.seq + 1
        return (first, seq - 1) if seq > first else None

    def record(self, decision):
        self.seq, self.decided_ns = decision["seq"], decision["decided_ns"]
        if self.path is None:
            return
        kept = {"seq": self.seq, "decided_ns": self.decided_ns, "decisions": self.book.lives}
        beside = f"{self.path}.new"
        with open(beside, "w", encoding="utf-8") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self.path)


def lines_of_stdin():
    while line := sys.stdin.buffer.readline(LONGEST):
        if not line.endswith(b"\n"):
            return torn(line)
        yield line


def lines_of_file(path, follow):
    """Whole lines. Bytes after the last newline are read again until their line is whole. Stoop cuts off a torn line
    when it next appends, so no part of one is kept, not even in a buffer."""
    offset, size, file, is_moved = 0, CHUNK, open(path, "rb", buffering=0), False
    try:
        while True:
            file.seek(offset)
            chunk = file.read(size)
            *whole, rest = chunk.split(b"\n")
            for line in whole:
                offset += len(line) + 1
                yield line + b"\n"
            if whole:
                continue
            if len(chunk) == size and size < LONGEST:
                size *= 2
                continue
            if is_moved:
                note(f"{path}: another file lies there now; reading it from its start")
                file.close()
                offset, file, is_moved = 0, open(path, "rb", buffering=0), False
                continue
            if not follow or len(rest) >= LONGEST:
                return torn(rest) if rest else None
            time.sleep(POLL_S)
            here, there = os.fstat(file.fileno()), stat(path)
            # First read what was appended before the file was moved.
            is_moved = there is not None and not os.path.samestat(here, there)
            if here.st_size < offset:
                note(f"{path}: shorter than what was read; reading it from its start")
                offset = 0
    finally:
        file.close()


def stat(path):
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def torn(line):
    if len(line) >= LONGEST:
        raise Unusable(f"a line is longer than {LONGEST} bytes")
    note(f"the last line is torn after {len(line)} bytes: not acted on")


MEMBERS = {"seq": int, "id": str, "revision": int, "kind": str, "side": str, "destination": str, "decided_ns": int,
           "expires_ms": int}


def parse(line):
    """The decision of a line, None for a status line, or ValueError if it is neither."""
    decision = json.loads(line)
    if not isinstance(decision, dict):
        raise ValueError("not an object")
    if decision.get("kind") == "status":
        if decision.get("feed") != "up":
            note(f"the feed is {plain(decision.get('feed'))}")
        return None
    if decision.get("schema") != SCHEMA:
        raise Unusable(f"schema {plain(decision.get('schema'))} is not known: this program reads {SCHEMA}")
    for member, sort in MEMBERS.items():
        if not isinstance(decision.get(member), sort):
            raise ValueError(f"no {member}")
    if not isinstance(decision.get("asset"), (dict, type(None))):
        raise ValueError("no asset")
    return decision


class Unusable(Exception):
    """An error that ends this program."""


class Ended(Exception):
    """A signal ended it."""


class Signals:
    """Ends the program at SIGINT and SIGTERM, but not between an action and its record: `with` delays them."""

    def __init__(self):
        self.caught, self.are_held = None, False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.catch)

    def catch(self, number, _frame):
        # A second signal ends it at once, because a desk may hang.
        is_second, self.caught = self.caught is not None, number
        if is_second or not self.are_held:
            raise Ended(number)

    def __enter__(self):
        self.are_held = True

    def __exit__(self, kind, *_):
        self.are_held = False
        if kind is None and self.caught is not None:
            raise Ended(self.caught)


def consume(lines, state, signals, is_replay, verbose):
    """Acts on every line that is new; returns how many were damaged."""
    damaged = seen = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            decision = parse(line)
        except (ValueError, RecursionError) as error:
            damaged += 1
            note(f"line {number} is damaged and passed over: {error}")
            continue
        if decision is None:
            continue
        if state.has_seen(decision):
            seen += 1
            continue
        if seen:
            note(f"{seen} lines were acted on before")
            seen = 0
        if state.seq is not None and decision["seq"] <= state.seq:
            note(f"seq starts over at {decision['seq']} after {state.seq}: a new run")
        missing = state.missing(decision)
        if missing:
            note(f"gap: seq {missing[0]} to {missing[1]} are missing: {missing[1] - missing[0] + 1} lines lost")
        now_ms = decision["decided_ns"] // 1_000_000 if is_replay else time.time_ns() // 1_000_000
        with signals:
            verb, reason = state.book.act(decision, now_ms)
            if verb:
                DESKS.get(decision["destination"], unrouted)(verb, decision)
            elif verbose or reason == "expired":
                note(f"seq {decision['seq']}: {plain(decision['kind'])} passed over: {reason}")
            state.record(decision)
    if seen:
        note(f"{seen} lines were acted on before")
    return damaged


def asset_name(asset):
    if asset is None:
        return "nothing"
    named = (asset.get(member) for member in ("venue", "market", "symbol", "chain", "contract"))
    return " ".join(plain(part) for part in named if part)


def plain(text):
    """Names are other people's texts, so control characters are escaped."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(text))


def note(text):
    print(f"consumer: {text}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(
        description="Acts once on each of Stoop's decision lines: prints one action per line on stdout, notes on stderr.",
        epilog="Exit codes: 0 done, 1 failed or a line was damaged, 2 the command line is wrong, 130 and 143 after "
        "SIGINT and SIGTERM.",
    )
    parser.add_argument("input", nargs="?", default="-", help="file of decision lines; - or nothing: stdin")
    parser.add_argument("--state", metavar="FILE", help="remember in FILE what was acted on, and continue after it")
    parser.add_argument("--follow", action="store_true", help="wait for more lines at the end of the file")
    parser.add_argument("--replay", action="store_true",
                        help="use each line's own time as now: without it, every open of an old run has expired")
    parser.add_argument("--verbose", action="store_true", help="also say why a line is ignored")
    args = parser.parse_args()
    if args.follow and args.input == "-":
        parser.error("--follow needs a file: stdin is read to its end anyway")

    sys.stdout.reconfigure(encoding="utf-8")
    try:
        signals, state = Signals(), State(args.state)
        lines = lines_of_stdin() if args.input == "-" else lines_of_file(args.input, args.follow)
        return 1 if consume(lines, state, signals, args.replay, args.verbose) else 0
    except Ended as ended:
        return 128 + ended.args[0]
    except BrokenPipeError:
        # The reader of stdout is gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Unusable, OSError) as error:
        note(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
