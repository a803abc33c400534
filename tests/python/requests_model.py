"""Requests held against AWS's own models of its services, which botocore brings: what AWS would refuse is found before
moto, which takes nearly anything, answers."""

import functools
import re

import regex
from botocore.loaders import Loader

from request_protocols import PROTOCOLS, Invalid, shortened
from services import SIGNED_AS


def judge(call):
    """The operation that a request calls, `service:Operation`, or None if it is none of AWS's, and what AWS's model of
    it does not allow: texts with the place of each member and the rule."""
    service = called(call)
    if service not in SIGNED_AS:
        return None, [f"{call.name}: no crate of the SDK in Cargo.toml calls this service"]
    name = call.name
    try:
        model = load(SIGNED_AS[service])
        protocol = PROTOCOLS[model["metadata"]["protocols"][-1]]
        operation, raw = protocol.request(call, model)
        name = f"{service}:{operation['name']}"
        judgement = Judgement(model["shapes"], protocol)
        if "input" in operation:
            judgement.value(operation["input"], raw, "")
        elif raw:
            raise Invalid("has members, and the operation takes none")
    except Invalid as error:
        return name, [f"{name}: {error}"]
    return name, [f"{name}: {one}" for one in judgement.found]


def called(call):
    """The service that a request is signed for; of the few that need no signature, the one that has the operation."""
    action = call.name.split(":")[-1]
    unsigned = (
        service
        for service, model in SIGNED_AS.items()
        if load(model)["operations"].get(action, {}).get("authtype") == "none"
    )
    return next(unsigned, call.service) if call.service == "unsigned" else call.service


@functools.cache
def load(service):
    model = Loader().load_service_model(service, "service-2")
    for shape in model["shapes"].values():
        for part in (shape, shape.get("member", {}), *shape.get("members", {}).values()):
            if part.keys() & {"flattened", "xmlAttribute", "jsonvalue"}:
                raise NotImplementedError(f"{service} has a way to write things that is not read here")
    return model


def load_all():
    """Before requests come: every copy of this process then has them."""
    for service in SIGNED_AS.values():
        for shape in load(service)["shapes"].values():
            if "pattern" in shape:
                pattern(shape["pattern"])


@functools.cache
def pattern(java):
    """A pattern, as Java reads it: its services hold the whole of a text against it."""
    # Java writes what is beyond U+FFFF as two halves.
    java = java.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    if re.search(r"\\p|\\w-", java):
        # Only Unicode's classes, and a hyphen behind a class, need the other module.
        return regex.compile(java)
    return re.compile(java, re.ASCII)


class Judgement:
    """One request on its way through the shapes of its model."""

    def __init__(self, shapes, protocol):
        self.shapes, self.protocol, self.found = shapes, protocol, []

    def wrong(self, path, rule):
        self.found.append(f"{path or 'the request'} {rule}")

    def value(self, reference, raw, path, secret=False):
        shape = self.shapes[reference["shape"]]
        secret = secret or shape.get("sensitive", False)
        if shape.get("document"):
            return
        judge = getattr(self, shape["type"], self.scalar)
        try:
            judge(shape, raw, path, secret)
        except Invalid as error:
            self.wrong(path, f"{error}{'' if secret else self.protocol.shown(raw)}")

    def structure(self, shape, raw, path, secret):
        members, unknown = self.protocol.members(shape, raw)
        for name in unknown:
            self.wrong(f"{path}.{name}".lstrip("."), "is unknown")
        for name in shape.get("required", ()):
            if name not in members:
                self.wrong(f"{path}.{name}".lstrip("."), "is required, and missing")
        if shape.get("union") and len(members) != 1:
            raise Invalid(f"must have one member of a union, and has {len(members)}")
        for name, one in members.items():
            self.value(shape["members"][name], one, f"{path}.{name}".lstrip("."), secret)

    def list(self, shape, raw, path, secret):
        items = self.protocol.items(shape, raw)
        self.size(shape, len(items), path, "items")
        for index, one in enumerate(items):
            self.value(shape["member"], one, f"{path}[{index}]", secret)

    def map(self, shape, raw, path, secret):
        entries = self.protocol.entries(shape, raw)
        self.size(shape, len(entries), path, "entries")
        for index, (key, one) in enumerate(entries):
            self.value(shape["key"], key, f"key {index} of {path}", secret)
            self.value(shape["value"], one, f"value {index} of {path}", secret)

    def scalar(self, shape, raw, path, secret):
        kind = shape["type"]
        value = self.protocol.scalar(kind, raw)
        if kind in ("string", "blob"):
            unit = "characters" if kind == "string" else "bytes"
            shown = f"({len(value)} {unit})" if secret else shortened(value)
            self.size(shape, len(value), path, unit)
            if "enum" in shape and value not in shape["enum"]:
                some = ", ".join(shape["enum"][:10]) + (", …" if len(shape["enum"]) > 10 else "")
                self.wrong(path, f"is {shown}, none of {some}")
            if "pattern" in shape and kind == "string" and not pattern(shape["pattern"]).fullmatch(value):
                self.wrong(path, f"is {shown}, which does not match {shape['pattern']}")
        elif kind in ("integer", "long", "float", "double"):
            self.size(shape, value, path, None)

    def size(self, shape, size, path, unit):
        said = f"{size} {unit}" if unit else f"{size}"
        if size < shape.get("min", size):
            self.wrong(path, f"is too {'small' if unit is None else 'short'}: {said}, at least {shape['min']}")
        if size > shape.get("max", size):
            self.wrong(path, f"is too {'large' if unit is None else 'long'}: {said}, at most {shape['max']}")
