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
import os
import platform
import shutil
import signal
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from running import Endpoint, Failed, Taken, endpoint
from tools import CHECKOUT, Baseplate, Terraform

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", CHECKOUT / "target"))


@dataclass
class Measured:
    """One tool at one latency."""

    checks: list[Taken]
    apply: Taken
    plans: list[Taken] = field(default_factory=list)
    # Plans whose calls were answered from memory, if all of them were.
    replayed: list[Taken] = field(default_factory=list)


def measure(tool: Baseplate | Terraform, at: Endpoint, runs: int) -> Measured:
    with tool.at(at.url) as tell:
        # What runs first warms the caches of the operating system up and is not counted.
        tell.check()
        plan = tell.plan
        measured = Measured([tell.check() for _ in range(runs)], at.calls_of(tell.apply))
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
    ("start alone: check or validate, no calls", spread, lambda m: [taken.seconds for taken in m.checks]),
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
        print(f"Terraform is left out, it or its AWS provider could not be set up (--terraform-plugins?): {error}\n")
        return None


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseplate", type=Path, help="default: the release build, else the debug build")
    parser.add_argument("--moto", type=Path, help="moto_server; default: the tests' own, else on the PATH")
    parser.add_argument("--proxy", type=Path, help="awsproxy.py; default: shared/tools beside the checkout")
    parser.add_argument("--latency", type=int, nargs="+", default=[0, 60], help="ms added to each call; default: 0 60")
    parser.add_argument("--runs", type=int, default=5, help="plans for each figure; default: 5")
    parser.add_argument("--terraform", type=Path, help="default: on the PATH, else left out")
    parser.add_argument("--terraform-plugins", type=Path, help="folder that holds its AWS provider, without a registry")
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
            with endpoint(moto, proxy, latency, baseplate.touch) as at:
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
