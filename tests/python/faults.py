"""Calls that go wrong because a test wants them to: which ones, and how."""

import json
import re
import threading
import time

# What AWS's services answer to too many calls, by protocol.
THROTTLED = {"json": (400, "ThrottlingException"), "query": (400, "Throttling"), "ec2": (503, "RequestLimitExceeded")}
BROKEN = {"json": (500, "InternalServerException"), "query": (500, "InternalFailure"), "ec2": (500, "InternalError")}

LOGIN = b'<!DOCTYPE html>\n<html><body><form action="/login"><input name="password"></form></body></html>'


def whole(status, content_type, body):
    """An answer: status, headers, body."""
    return status, [("Content-Type", content_type), ("Content-Length", str(len(body)))], [body]


class Dropped(ConnectionError):
    """The connection ends without an answer."""


class Fault:
    """Breaks calls. Options, all optional but `how`:

    how=HOW        before the call is handled: `error` with `status` and `code`, `throttle`, `drop`, `hang`,
                   `slow` by `delay` seconds; after it took effect: `error-after`, `drop-after`, `hang-after`
                   What is no answer of AWS, in place of one: `empty` (200, no body), `page` (200, a proxy's login),
                   `bare` (`status`, no body), `huge` (without end), each of them with `-after`, too; the right
                   answer, but `cut` in the middle and framed as whole; `loop`: pages of JSON that lead to themselves
    match=REGEX    only calls whose "service:Action" matches
    calls=KIND     only `read` calls, `write` calls, those that write a `lock`, or those that write a `list` of kinds; or
                   several of these: `write,lock`
    nth=N          of these only the N-th
    every=N        of these only each N-th
    new=1          of these only those that were not made before with the same arguments
    times=N        the first N that are left
    seconds=S      those in the first S seconds, from the first that it could strike
    quote=1        errors quote all texts that were handed over and the request as it was signed, as AWS may, and
                   steer terminals where they can
    """

    def __init__(
        self, how, match=".", calls="read,write,lock,list", nth=0, every=1, new="", times="inf", seconds="inf", **details
    ):
        self.how, self.details = how, details
        self.match, self.calls = re.compile(match), calls.split(",")
        self.nth, self.every, self.new = int(nth), int(every), bool(new)
        self.times, self.seconds = float(times), float(seconds)
        self.began, self.seen, self.known = None, 0, set()
        self.broken, self.held, self.sent, self.kept = [], 0, 0, None
        self.over = threading.Event()

    def strikes(self, call):
        """How this call goes wrong, if it does. Not made for threads."""
        if not self.match.search(call.name) or call.kind not in self.calls:
            return None
        self.began = self.began or time.monotonic()
        self.seen += 1
        is_new = call.digest not in self.known
        self.known.add(call.digest)
        due = self.seen == self.nth if self.nth else self.seen % self.every == 0
        late = time.monotonic() - self.began > self.seconds
        if not due or late or (self.new and not is_new) or len(self.broken) >= self.times:
            return None
        self.broken.append(call.name)
        return self.how

    def answer(self, call, how):
        """What goes back in place of the right answer: status, content type, body; or None, if nothing does."""
        if how == "slow":
            time.sleep(float(self.details.get("delay", 1)))
            return None
        if how == "hang":
            # For ever, or until the test wants something else.
            self.held += 1
            self.over.wait()
        if how in ("hang", "drop"):
            raise Dropped
        match how:
            case "empty":
                return whole("200 OK", "text/plain", b"")
            case "page":
                return whole("200 OK", "text/html", LOGIN)
            case "bare":
                return whole(f"{self.details['status']} Refused", "text/plain", b"")
            case "huge":
                return "200 OK", [("Content-Type", "text/xml")], self.without_end()
        status, code = {"throttle": THROTTLED, "error": BROKEN}[how][call.protocol]
        quote = "quote" in self.details
        return call.error(int(self.details.get("status", status)), self.details.get("code", code), quote)

    def without_end(self):
        while not self.over.is_set():
            self.sent += 1 << 20
            yield b" " * (1 << 20)

    def changed(self, how, right):
        """What goes back in place of this right answer, made of it."""
        status, headers, body = right
        body, kind = b"".join(body), dict(headers).get("Content-Type", "text/plain")
        if how == "loop":
            self.kept = self.kept or whole(status, kind, json.dumps(json.loads(body) | {"NextToken": "again"}).encode())
            return self.kept
        # Between two tags, where a parser that only looks for what it needs sees no harm.
        middle = len(body) * 2 // 3
        return whole(status, kind, body[: max(body.rfind(b"<", 0, middle), 0) or middle])
