"""The tools that are compared: how each is told to check, plan and apply the environment."""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from running import Failed, Taken, take

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
SPEC = CHECKOUT / "environments" / "prod.toml"


@dataclass
class Commands:
    """What a tool can be told to do at one endpoint."""

    # Reads its input and calls nobody: what the tool takes just to start.
    check: Callable[[], Taken]
    # Fails unless there is nothing to change.
    plan: Callable[[], Taken]
    apply: Callable[[], Taken]


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
    def at(self, url: str) -> Iterator[Commands]:
        env = clean_env(url) | {"WEATHER_API_KEY": "x"}

        def command(*arguments: str) -> Callable[[], Taken]:
            return lambda: take([str(self.path), *arguments, str(SPEC)], env, CHECKOUT)

        yield Commands(command("check"), command("plan", "--detailed-exitcode"), command("apply", "--yes"))

    def touch(self, url: str) -> None:
        """Calls every service of the endpoint once, and changes nothing."""
        take([str(self.path), "plan", str(SPEC)], clean_env(url) | {"WEATHER_API_KEY": "x"}, CHECKOUT)


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
    def at(self, url: str) -> Iterator[Commands]:
        env = clean_env(url) | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_VAR_endpoint": url}
        made = ("database_password", "write_key", "session_secret")
        env |= {f"TF_VAR_{name}": secrets.token_hex(20) for name in made} | {"TF_VAR_weather_api_key": "x"}
        with self.folder() as folder:

            def command(*arguments: str) -> Callable[[], Taken]:
                return lambda: take([str(self.path), *arguments, "-no-color"], env, folder)

            yield Commands(
                command("validate"),
                command("plan", "-detailed-exitcode", "-input=false"),
                command("apply", "-auto-approve", "-input=false"),
            )


def said(command: list[str], folder: Path = CHECKOUT) -> str:
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failed(f"`{' '.join(command)}` does not run: {error}") from error
    return run.stdout.strip()
