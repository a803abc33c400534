"""Runs commands and says what they took, and the emulator that they talk to."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ZONE = "legocity.example"

# Often enough to catch a peak, seldom enough to cost under 2 % of a core.
SAMPLE_EVERY = 0.02
# ru_maxrss is in KiB on Linux, in bytes on macOS.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
PAGE = os.sysconf("SC_PAGE_SIZE")


class Failed(Exception):
    """Something that the comparison cannot go on without."""


# Processes and what they take.


@dataclass
class Taken:
    """What one command took. Memory is the peak of the whole process tree, in bytes."""

    seconds: float
    cpu_seconds: float
    memory: int
    calls: int | None = None


def tree(root: int) -> Iterator[int]:
    """The process and all its descendants."""
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(OSError):
                    children = Path(f"/proc/{pid}/task/{thread}/children").read_text()
                    waiting.extend(int(child) for child in children.split())


def resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


class Sampler(threading.Thread):
    """Keeps the most memory that a process and its descendants held at the same time."""

    def __init__(self, root: int):
        super().__init__(daemon=True)
        self.root = root
        self.peak = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(SAMPLE_EVERY):
            self.peak = max(self.peak, sum(resident(pid) for pid in tree(self.root)))

    def end(self) -> int:
        self.ended.set()
        self.join()
        return self.peak


def take(command: list[str], env: dict[str, str], folder: Path) -> Taken:
    """Runs a command to its end. It must exit with 0, for a plan with --detailed-exitcode: no changes."""
    with tempfile.TemporaryFile() as output:
        begun = time.perf_counter()
        try:
            process = subprocess.Popen(
                command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        except OSError as error:
            raise Failed(f"`{command[0]}` does not run: {error}") from error
        sampler = Sampler(process.pid)
        sampler.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            raise
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        sampled = sampler.end()
        if process.returncode != 0:
            output.seek(0)
            said = output.read().decode(errors="replace")
            raise Failed(f"`{' '.join(command)}` exited with {process.returncode}:\n{said[-4000:]}")
    # The kernel's figure misses nothing of the process itself, the sampled one has its descendants as well.
    memory = max(sampled, usage.ru_maxrss * MAXRSS_UNIT)
    return Taken(seconds, usage.ru_utime + usage.ru_stime, memory)


# The emulator and the proxy before it.


def request(method: str, url: str, body: str = "", headers: dict[str, str] | None = None) -> bytes:
    data = body.encode() if method == "POST" else None
    asked = urllib.request.Request(url, data, headers or {}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(asked, timeout=30) as answer:
        return answer.read()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(command: list[str], probe: str, env: dict[str, str]) -> Iterator[None]:
    """Runs a server until the block ends; the block begins once the probe is answered."""
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise Failed(f"`{' '.join(command)}` ended with {process.returncode} before it listened")
            try:
                request("GET", probe)
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise Failed(f"`{' '.join(command)}` did not listen within a minute")
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Endpoint:
    """The address that the tools talk to; with a proxy in it, calls can be counted, slowed down and repeated."""

    def __init__(self, url: str, has_proxy: bool):
        self.url = url
        self.has_proxy = has_proxy

    def control(self, method: str, what: str) -> dict:
        return json.loads(request(method, f"{self.url}/__awsproxy/{what}"))

    def calls_of(self, action: Callable[[], Taken]) -> Taken:
        """What the action took, with the calls that it made."""
        if not self.has_proxy:
            return action()
        self.control("POST", "reset")
        taken = action()
        taken.calls = self.control("GET", "counts")["total"]
        return taken


@contextlib.contextmanager
def endpoint(moto: Path, proxy: Path | None, latency: int, touch: Callable[[str], None]) -> Iterator[Endpoint]:
    """A fresh emulator that holds nothing but the DNS zone.

    It loads each service when that is first called, which takes seconds: `touch` makes it do so beforehand.
    """
    env = os.environ | {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ACM_VALIDATION_WAIT": "1"}
    with contextlib.ExitStack() as stack:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        stack.enter_context(server([str(moto), "-H", "127.0.0.1", "-p", str(port)], f"{url}/moto-api/", env))
        make_zone(url)
        touch(url)
        if proxy:
            before = free_port()
            command = [sys.executable, str(proxy), "--listen", f"127.0.0.1:{before}", "--upstream", f"127.0.0.1:{port}"]
            url = f"http://127.0.0.1:{before}"
            stack.enter_context(server([*command, "--latency-ms", str(latency)], f"{url}/__awsproxy/health", env))
        yield Endpoint(url, proxy is not None)


def make_zone(url: str) -> None:
    body = (
        '<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/">'
        f"<Name>{ZONE}</Name><CallerReference>compare</CallerReference></CreateHostedZoneRequest>"
    )
    # The emulator tells services apart by the scope of the signature, which it does not check.
    scope = "AWS4-HMAC-SHA256 Credential=x/20250101/us-east-1/route53/aws4_request, SignedHeaders=host, Signature=x"
    request("POST", f"{url}/2013-04-01/hostedzone", body, {"Authorization": scope, "Content-Type": "text/xml"})
