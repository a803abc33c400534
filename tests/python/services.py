"""AWS's services that Baseplate calls, as botocore has them: those of the SDK's crates in Cargo.toml."""

import gzip
import json
import re
from pathlib import Path

from botocore.loaders import Loader


def crates():
    """`ec2` of the dependency `aws-sdk-ec2`."""
    manifest = Path(__file__).parents[2] / "Cargo.toml"
    return set(re.findall(r"^aws-sdk-(\w+) =", manifest.read_text(), re.MULTILINE))


def metadata(loader, service):
    """What a model says of its service itself. It stands before everything else in a file of megabytes."""
    version = loader.determine_latest_version(service, "service-2")
    for folder in loader.search_paths:
        path = Path(folder) / service / version / "service-2.json.gz"
        if path.exists():
            with gzip.open(path, "rt", encoding="utf-8") as model:
                head = model.read(1 << 14)
            begin = head.index("{", head.index('"metadata"'))
            return json.JSONDecoder().raw_decode(head[begin:])[0]
    raise FileNotFoundError(f"botocore has no model of {service}")


def crate(about):
    """The name of the SDK's crate of a service."""
    return re.sub(r"api$", "", re.sub(r"\W", "", about["serviceId"]).lower())


def signed_as():
    """By the names that requests are signed for, the names that boto3 has for the services."""
    loader, wanted = Loader(), crates()
    found = {}
    for service in loader.list_available_services("service-2"):
        about = metadata(loader, service)
        if crate(about) in wanted:
            found[about.get("signingName", about["endpointPrefix"])] = service
            wanted.remove(crate(about))
    assert not wanted, f"botocore has no model of {wanted}, which are in Cargo.toml"
    return found


SIGNED_AS = signed_as()
