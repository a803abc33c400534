#!/usr/bin/env python3
"""Measures Baseplate, and Terraform where it is found, on the same environment: environments/prod.toml.

    python3 benches/compare/compare.py [--latency 0 60] [--runs 5] [--terraform-plugins DIR]

AWS is moto (what the tests use) behind a proxy that counts the calls and lets each of them take as much longer as a
real endpoint is away. Each tool gets a fresh moto for each latency, creates everything, and is then asked for a plan,
which finds nothing to change: with the emulator answering, and with its answers repeated from memory, which takes its
own time out of the measure. What Terraform applies is in `terraform/` beside this file.

It prints a Markdown table. `terraform init` is in none of its times. The waits that Terraform builds into `apply` are,
also those that an emulator, which has everything ready at once, does not need; so the plans are what to compare.
"""

import argparse
import contextlib
import json
import os
import platform
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", CHECKOUT / "target"))
SPEC = CHECKOUT / "environments" / "prod.toml"
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
        process = subprocess.Popen(command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
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
def endpoint(moto: Path, proxy: Path | None, latency: int) -> Iterator[Endpoint]:
    """A fresh emulator that holds nothing but the DNS zone."""
    env = os.environ | {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ACM_VALIDATION_WAIT": "1"}
    with contextlib.ExitStack() as stack:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        stack.enter_context(server([str(moto), "-H", "127.0.0.1", "-p", str(port)], f"{url}/moto-api/", env))
        make_zone(url)
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


# The tools.


def clean_env(url: str) -> dict[str, str]:
    """The environment without anything that steers a tool, with dummy keys for the emulator."""
    steering = ("AWS_", "BASEPLATE_", "TF_LOG", "TF_VAR_", "TF_CLI_ARGS")
    nothing = os.devnull
    return {name: value for name, value in os.environ.items() if not name.startswith(steering)} | {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


class Baseplate:
    def __init__(self, path: Path):
        self.path = path
        self.version = said([str(path), "--version"]) + (" (debug build)" if path.parent.name == "debug" else "")

    @contextlib.contextmanager
    def at(self, url: str) -> Iterator[tuple[Callable[[], Taken], Callable[[], Taken]]]:
        """How to apply and how to plan at this endpoint."""
        env = clean_env(url) | {"WEATHER_API_KEY": "x"}

        def run(*arguments: str) -> Taken:
            return take([str(self.path), *arguments, str(SPEC)], env, CHECKOUT)

        yield lambda: run("apply", "--yes"), lambda: run("plan", "--detailed-exitcode")


class Terraform:
    def __init__(self, path: Path, plugins: Path | None):
        self.path = path
        self.init = [str(path), "init", "-input=false", "-no-color"]
        if plugins:
            self.init.append(f"-plugin-dir={plugins.resolve()}")
        # Asked for in a folder where the provider is there, so that its version is told as well.
        with self.folder() as folder:
            told = json.loads(said([str(path), "version", "-json"], folder))
        providers = [f"{name.rsplit('/', 1)[-1]} provider {v}" for name, v in told["provider_selections"].items()]
        self.version = f"Terraform {told['terraform_version']}, {', '.join(providers)}"

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """A copy of the configuration with the provider in place."""
        with tempfile.TemporaryDirectory(prefix="compare-") as name:
            folder = Path(name)
            for source in (HERE / "terraform").glob("*.tf"):
                shutil.copy(source, folder)
            # A registry out of reach is to fail at once, not after retries.
            env = clean_env("") | {"TF_REGISTRY_DISCOVERY_RETRY": "0", "CHECKPOINT_DISABLE": "1"}
            take(self.init, env, folder)
            yield folder

    @contextlib.contextmanager
    def at(self, url: str) -> Iterator[tuple[Callable[[], Taken], Callable[[], Taken]]]:
        """How to apply and how to plan at this endpoint."""
        env = clean_env(url) | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_VAR_endpoint": url}
        env |= {f"TF_VAR_{name}": secrets.token_hex(20) for name in ("database_password", "write_key", "session_secret")}
        env |= {"TF_VAR_weather_api_key": "x"}
        with self.folder() as folder:

            def run(*arguments: str) -> Taken:
                return take([str(self.path), *arguments, "-input=false", "-no-color"], env, folder)

            yield lambda: run("apply", "-auto-approve"), lambda: run("plan", "-detailed-exitcode")


def said(command: list[str], folder: Path = CHECKOUT) -> str:
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failed(f"`{' '.join(command)}` does not run: {error}") from error
    return run.stdout.strip()


# Measuring.


@dataclass
class Measured:
    """One tool at one latency."""

    apply: Taken
    plans: list[Taken] = field(default_factory=list)
    # Plans whose calls were answered from memory, if all of them were.
    replayed: list[Taken] = field(default_factory=list)


def measure(tool: Baseplate | Terraform, at: Endpoint, runs: int) -> Measured:
    with tool.at(at.url) as (apply, plan):
        measured = Measured(at.calls_of(apply))
        # The first plan after an apply warms the caches of the operating system up and is not counted.
        plan()
        measured.plans = [at.calls_of(plan) for _ in range(runs)]
        if at.has_proxy:
            at.control("POST", "replay?mode=record")
            plan()
            at.control("POST", "replay?mode=on")
            replayed = [at.calls_of(plan) for _ in range(runs)]
            remembered = at.control("POST", "replay?mode=off")["answered_from_memory"]
            if remembered == sum(taken.calls or 0 for taken in replayed):
                measured.replayed = replayed
            else:
                print(f"{tool.version}: not every call could be answered from memory ({remembered})", file=sys.stderr)
    return measured


# The table.


def spread(values: list[float]) -> str:
    middle = f"{statistics.median(values):.2f} s"
    return f"{middle} ({min(values):.2f}–{max(values):.2f})" if len(values) > 1 else middle


def whole(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.0f}" if low == high else f"{low:.0f}–{high:.0f}"


def mebibytes(values: list[float]) -> str:
    return f"{max(values) / 2**20:.0f} MiB"


# What is shown: its name, how to write it, and where it is found.
ROWS: list[tuple[str, Callable[[list[float]], str], Callable[[Measured], list[float | None]]]] = [
    ("apply, creates everything", spread, lambda m: [m.apply.seconds]),
    ("apply, API calls", whole, lambda m: [m.apply.calls]),
    ("apply, peak memory", mebibytes, lambda m: [m.apply.memory]),
    ("plan, no changes", spread, lambda m: [taken.seconds for taken in m.plans]),
    ("plan, no changes, emulator's own time taken out", spread, lambda m: [taken.seconds for taken in m.replayed]),
    ("plan, API calls", whole, lambda m: [taken.calls for taken in m.plans]),
    ("plan, processor time", spread, lambda m: [taken.cpu_seconds for taken in m.plans]),
    ("plan, peak memory", mebibytes, lambda m: [taken.memory for taken in m.plans]),
]


def table(results: dict[int, list[Measured]], heads: list[str]) -> str:
    lines = [["", "added latency", *heads]]
    if len(heads) == 2:
        lines[0].append("Terraform ÷ Baseplate")
    for name, write, values_of in ROWS:
        for latency, measured in results.items():
            found = [[value for value in values_of(one) if value is not None] for one in measured]
            if not any(found):
                continue
            cells = [write(values) if values else "–" for values in found]
            if len(heads) == 2:
                both = all(found) and statistics.median(found[0]) > 0
                cells.append(f"{statistics.median(found[1]) / statistics.median(found[0]):.1f} ×" if both else "–")
            lines.append([name, f"{latency} ms", *cells])
    ruled = [lines[0], ["---", *["---:"] * (len(lines[0]) - 1)], *lines[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in ruled)


# Finding things.


def find_baseplate(given: Path | None) -> Path:
    places = [given] if given else [TARGET / build / "baseplate" for build in ("release", "debug")]
    for place in places:
        if place.is_file():
            return place.resolve()
    raise Failed(f"no Baseplate at {' or '.join(map(str, places))}: run `cargo build --release`, or give --baseplate")


def find_moto(given: Path | None) -> Path:
    if given:
        return given.absolute()
    made_by_tests = [mark.parent / "bin" / "moto_server" for mark in (TARGET / "tmp").glob("python-*/ready")]
    there = [place for place in made_by_tests if place.is_file()]
    if there:
        return max(there, key=lambda place: place.stat().st_mtime).absolute()
    if on_path := shutil.which("moto_server"):
        return Path(on_path)
    raise Failed("no moto_server: run `cargo test` once, which installs it under the target folder, or give --moto")


def find_terraform(given: Path | None, plugins: Path | None) -> Terraform | None:
    on_path = shutil.which("terraform")
    if not given and not on_path:
        print("Terraform is not on the PATH (--terraform gives another place): left out.\n")
        return None
    path = given.resolve() if given else Path(on_path)
    try:
        return Terraform(path, plugins)
    except Failed as error:
        print(f"Terraform is left out, its AWS provider could not be set up (--terraform-plugins?): {error}\n")
        return None


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseplate", type=Path, help="default: the release build, else the debug build")
    parser.add_argument("--moto", type=Path, help="moto_server; default: the tests' own, else on the PATH")
    parser.add_argument("--proxy", type=Path, help="awsproxy.py; default: shared/tools beside the checkout")
    parser.add_argument("--latency", type=int, nargs="+", default=[0, 60], help="ms added to each call; default: 0 60")
    parser.add_argument("--runs", type=int, default=5, help="plans for each figure; default: 5")
    parser.add_argument("--terraform", type=Path, help="default: on the PATH, else left out")
    parser.add_argument("--terraform-plugins", type=Path, help="folder with the AWS provider, where there is no registry")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    baseplate, moto = Baseplate(find_baseplate(asked.baseplate)), find_moto(asked.moto)
    terraform = find_terraform(asked.terraform, asked.terraform_plugins)
    proxy = asked.proxy or CHECKOUT.parent / "shared" / "tools" / "awsproxy.py"
    latencies = asked.latency
    if not proxy.is_file():
        print(f"There is no proxy at {proxy} (--proxy): without it no latency can be added and no call counted.\n")
        proxy, latencies = None, [0]

    tools = [tool for tool in (baseplate, terraform) if tool]
    results: dict[int, list[Measured]] = {}
    for latency in latencies:
        results[latency] = []
        for tool in tools:
            print(f"{tool.version} at {latency} ms …", file=sys.stderr)
            with endpoint(moto, proxy, latency) as at:
                results[latency].append(measure(tool, at, max(1, asked.runs)))

    print(table(results, ["Baseplate", "Terraform"][: len(tools)]))
    runs = f"one apply and {max(1, asked.runs)} plans for each figure, median (least–most)"
    print(f"\n{', '.join(tool.version for tool in tools)}; {os.cpu_count()} cores of {platform.machine()}; {runs}.")


if __name__ == "__main__":
    # So that the servers and the tool end as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except Failed as error:
        sys.exit(f"error: {error}")
