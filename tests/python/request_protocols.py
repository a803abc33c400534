"""Requests as AWS's protocols write them, read back into the shapes of a service's model.

Each protocol gives the operation of a request and what it was handed over, as it came; and of what came at a place: the
members of a structure and the names that are none of its, the items of a list, the entries of a map, the value of a
scalar."""

import base64
import functools
import json
import re
from datetime import datetime
from urllib.parse import parse_qsl
from xml.etree import ElementTree


class Invalid(ValueError):
    """What a request or a part of it is not, though its model says so."""


def shortened(value):
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}… ({len(text)} characters)"


def of_text(kind, text):
    """What a text stands for, where a protocol has nothing but texts."""
    try:
        match kind:
            case "string":
                return text
            case "integer" | "long" if re.fullmatch(r"-?[0-9]+", text):
                return int(text)
            case "float" | "double":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}[text]
            case "timestamp":
                return datetime.fromisoformat(text)
            case "blob":
                return base64.b64decode(text, validate=True)
    except (ValueError, KeyError):
        raise Invalid(f"is no {kind}") from None
    raise Invalid(f"is no {kind}")


def operation(model, name):
    if name not in model["operations"]:
        raise Invalid("the service has no such operation")
    return model["operations"][name]


class Query:
    """A form: `Tags.member.1.Key=…`. Here it is a tree of its dots; the text at a place is under None."""

    @staticmethod
    def request(call, model):
        tree = {}
        for key, text in parse_qsl(call.body.decode(), keep_blank_values=True):
            node = tree
            for part in key.split("."):
                node = node.setdefault(part, {})
            if node.setdefault(None, text) is not text:
                raise Invalid(f"{key} comes twice")
        name, version = (tree.pop(key, {}).get(None) for key in ("Action", "Version"))
        if version != model["metadata"]["apiVersion"]:
            raise Invalid(f"its version is {version}, the model's {model['metadata']['apiVersion']}")
        return operation(model, name), tree

    @classmethod
    def members(cls, shape, raw):
        names = {cls.name(name, one): name for name, one in shape.get("members", {}).items()}
        if None in raw and (raw[None] or len(raw) > 1):
            raise Invalid("is no structure")
        raw = {name: one for name, one in raw.items() if name is not None}
        return {names[name]: one for name, one in raw.items() if name in names}, sorted(raw.keys() - names)

    @staticmethod
    def name(name, reference):
        return reference.get("locationName", name)

    @classmethod
    def items(cls, shape, raw):
        if raw == {None: ""}:
            return []
        return cls.numbered(cls.inside(raw, shape["member"].get("locationName", "member")))

    @classmethod
    def entries(cls, shape, raw):
        if raw == {None: ""}:
            return []
        names = [shape[part].get("locationName", part) for part in ("key", "value")]
        entries = cls.numbered(cls.inside(raw, "entry"))
        if any(sorted(one) != sorted(names) for one in entries):
            raise Invalid(f"has an entry that is not {' and '.join(names)}")
        return [tuple(one[name] for name in names) for one in entries]

    @staticmethod
    def inside(raw, name):
        if list(raw) != [name]:
            raise Invalid(f"has no {name}s")
        return raw[name]

    @staticmethod
    def numbered(raw):
        numbers = [str(number) for number in range(1, len(raw) + 1)]
        if raw.keys() != set(numbers):
            raise Invalid("is not numbered from 1")
        return [raw[number] for number in numbers]

    @staticmethod
    def scalar(kind, raw):
        if list(raw) != [None]:
            raise Invalid(f"is no {kind}")
        return of_text(kind, raw[None])

    @staticmethod
    def shown(raw):
        return f": {shortened(raw[None])}" if list(raw) == [None] else ""


class Ec2(Query):
    """A form with names of its own, and lists without a name for their members: `TagSpecification.1.Tag.1.Key=…`."""

    @staticmethod
    def name(name, reference):
        name = reference.get("locationName", name)
        return reference.get("queryName", name[0].upper() + name[1:])

    @classmethod
    def items(cls, shape, raw):
        return cls.numbered(raw)


class Json:
    """A JSON document, with the operation in a header."""

    @staticmethod
    def request(call, model):
        service, _, name = call.target.rpartition(".")
        prefix = model["metadata"]["targetPrefix"]
        # The Rust SDK leaves out what botocore has before the name of CloudTrail, and AWS takes both.
        if service not in (prefix, prefix.rpartition(".")[2]):
            raise Invalid(f"{call.target} is not of {prefix}")
        try:
            return operation(model, name), json.loads(call.body)
        except json.JSONDecodeError as error:
            raise Invalid(f"its body is no JSON: {error}") from None

    @classmethod
    def members(cls, shape, raw):
        cls.must_be(dict, raw, "structure")
        names = {one.get("locationName", name): name for name, one in shape.get("members", {}).items()}
        given = {names[name]: one for name, one in raw.items() if name in names and one is not None}
        return given, sorted(raw.keys() - names)

    @classmethod
    def items(cls, _, raw):
        cls.must_be(list, raw, "list")
        return raw

    @classmethod
    def entries(cls, _, raw):
        cls.must_be(dict, raw, "map")
        return list(raw.items())

    TYPES = {"string": str, "blob": str, "boolean": bool, "integer": int, "long": int}

    @classmethod
    def scalar(cls, kind, raw):
        is_due = isinstance(raw, cls.TYPES.get(kind, (int, float)))
        if not is_due or (isinstance(raw, bool) and kind != "boolean"):
            raise Invalid(f"is no {kind}")
        return of_text(kind, raw) if kind == "blob" else raw

    @staticmethod
    def must_be(kind, raw, name):
        if not isinstance(raw, kind):
            raise Invalid(f"is no {name}")

    @staticmethod
    def shown(raw):
        return "" if isinstance(raw, (dict, list)) else f": {shortened(raw)}"


class RestXml:
    """A path, a query and a document of XML, each with some of the members."""

    @classmethod
    def request(cls, call, model):
        for one in model["operations"].values():
            found = path(one["http"]["requestUri"]).fullmatch(call.path)
            if found and one["http"]["method"] == call.method:
                break
        else:
            raise Invalid("no operation of the service has this path")
        places = {"uri": found.groupdict(), "querystring": dict(parse_qsl(call.query, keep_blank_values=True))}
        raw = {}
        for name, member in model["shapes"][one["input"]["shape"]]["members"].items():
            given = places.get(member.get("location"), {})
            if member.get("locationName") in given:
                raw[name] = given.pop(member["locationName"])
        unknown = {key: text for given in places.values() for key, text in given.items()}
        return one, raw | unknown | cls.document(call.body, one["input"])

    @staticmethod
    def document(body, reference):
        """What is in it, by the names of its elements."""
        if not body:
            return {}
        try:
            root = ElementTree.fromstring(body)
        except ElementTree.ParseError as error:
            raise Invalid(f"its body is no XML: {error}") from None
        due = f"{{{reference.get('xmlNamespace', {}).get('uri')}}}{reference.get('locationName')}"
        if root.tag != due:
            raise Invalid(f"its document is a {root.tag}, not a {due}")
        return children(root)

    @staticmethod
    def members(shape, raw):
        given = raw if isinstance(raw, dict) else children(raw)
        names = {
            name if one.get("location") else one.get("locationName", name): name
            for name, one in shape.get("members", {}).items()
        }
        return {names[name]: one for name, one in given.items() if name in names}, sorted(given.keys() - names)

    @staticmethod
    def items(shape, raw):
        due = shape["member"].get("locationName", "member")
        if any(element_name(one) != due for one in raw):
            raise Invalid(f"has something that is no {due}")
        return list(raw)

    @staticmethod
    def scalar(kind, raw):
        if not isinstance(raw, str):
            if len(raw):
                raise Invalid(f"is no {kind}")
            raw = raw.text or ""
        return of_text(kind, raw)

    @staticmethod
    def shown(raw):
        text = raw if isinstance(raw, str) else raw.text
        return f": {shortened(text)}" if text else ""


@functools.cache
def path(template):
    """Of a path with its members: `/2013-04-01/hostedzone/{Id}/rrset/`."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template.rstrip("/"))) + "/?")


def element_name(element):
    return element.tag.rpartition("}")[2]


def children(element):
    if element.text and element.text.strip():
        raise Invalid("is no structure")
    found = {}
    for one in element:
        if found.setdefault(element_name(one), one) is not one:
            raise Invalid(f"has {element_name(one)} twice")
    return found


PROTOCOLS = {"ec2": Ec2, "query": Query, "json": Json, "rest-xml": RestXml}
