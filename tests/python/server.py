"""moto behind a counter: `server.py [PORT]` serves on 127.0.0.1 and prints the port (a free one unless given).

Besides AWS it answers
  GET  /__counts         {"total": n, "by_action": {"ec2:DescribeVpcs": n}, "repeated": {"ec2:DescribeVpcs": n}}
  GET  /__writes         [["access key", "ec2:CreateVpc"], …] in the order they came in, without those of locks
  POST /__reset_counts   forgets what was counted
  POST /__fail?match=REGEX&status=403&code=AccessDenied&times=2
                         lets calls whose "service:Action" matches fail, all of them unless it says how many;
                         without a match none fails any more

It ends when its standard input does, so that it cannot outlive the test that started it.
"""

import hashlib
import io
import json
import os
import re
import sys
import threading
from collections import Counter
from urllib.parse import parse_qs

# Read by moto when it is imported.
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
os.environ.setdefault("MOTO_ACM_VALIDATION_WAIT", "1")

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from moto.rds.models import RDSBackend  # noqa: E402
from moto.servicediscovery.models import ServiceDiscoveryBackend  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

EC2_ERROR = (
    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
    "<RequestID>made-up</RequestID></Response>"
)
XML_ERROR = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    "<RequestId>made-up</RequestId></ErrorResponse>"
)


class Call:
    """One request as AWS sees it."""

    def __init__(self, environ):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(self.body)
        self.method = environ["REQUEST_METHOD"]
        self.path = environ.get("PATH_INFO", "")
        self.query = environ.get("QUERY_STRING", "")
        self.target = environ.get("HTTP_X_AMZ_TARGET", "")
        scope = re.search(r"Credential=([^/,]*)[^,]*/([^/,]+)/aws4_request", environ.get("HTTP_AUTHORIZATION", ""))
        self.caller, self.service = scope.groups() if scope else ("nobody", "unsigned")
        self.is_form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")

    @property
    def name(self):
        if self.target:
            action = self.target.split(".")[-1]
        elif self.is_form:
            action = parse_qs(self.body.decode()).get("Action", ["?"])[0]
        else:
            action = f"{self.method} {self.path}"
        return f"{self.service}:{action}"

    @property
    def writes(self):
        reads = re.match(r"[^:]+:(Describe|List|Get|GET )", self.name)
        return not reads and not (self.name == "ssm:PutParameter" and b'/lock"' in self.body)

    @property
    def digest(self):
        parts = [self.name, self.path, self.query, self.body.decode(errors="replace")]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def error(self, code):
        """An error in the protocol of the service that was called."""
        message = f"{self.name} fails because the test wants it to"
        if self.target:
            return "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message})
        template = EC2_ERROR if self.service == "ec2" else XML_ERROR
        return "text/xml", template.format(code=code, message=message)


class Counted:
    """Counts the calls that pass through it, and lets some of them fail."""

    def __init__(self, app):
        self.app = app
        # moto's dictionaries are not made for threads: a concurrent create can answer 500.
        self.lock = threading.Lock()
        self.failing = None
        self.reset()

    def reset(self):
        self.by_action = Counter()
        self.by_digest = Counter()
        self.writes = []

    def counts(self):
        repeated = Counter()
        for (name, _), count in self.by_digest.items():
            if count > 1:
                repeated[name] += count - 1
        return {
            "total": sum(self.by_action.values()),
            "by_action": dict(sorted(self.by_action.items())),
            "repeated": dict(sorted(repeated.items())),
        }

    def fails(self, call):
        if not self.failing or not re.search(self.failing["match"], call.name):
            return False
        self.failing["times"] -= 1
        return self.failing["times"] >= 0

    def control(self, call):
        options = {key: values[0] for key, values in parse_qs(call.query).items()}
        if call.path == "/__reset_counts":
            self.reset()
        elif call.path == "/__fail":
            self.failing = None
            if "match" in options:
                self.failing = {"status": "403", "code": "AccessDenied", **options}
                self.failing["times"] = float(options.get("times", "inf"))
        elif call.path == "/__writes":
            return "200 OK", self.writes
        elif call.path != "/__counts":
            return "404 Not Found", {}
        return "200 OK", self.counts()

    def __call__(self, environ, start_response):
        call = Call(environ)
        with self.lock:
            if call.path.startswith("/__"):
                status, answer = self.control(call)
                return respond(start_response, status, "application/json", json.dumps(answer))
            self.by_action[call.name] += 1
            self.by_digest[call.name, call.digest] += 1
            if call.writes:
                self.writes.append([call.caller, call.name])
            if self.fails(call):
                content_type, body = call.error(self.failing["code"])
                return respond(start_response, f"{self.failing['status']} Failed", content_type, body)
            return list(self.app(environ, start_response))


def respond(start_response, status, content_type, body):
    body = body.encode()
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]


class Quiet(WSGIRequestHandler):
    """Keeps connections open, as AWS does, and writes no access log."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


def end_with_input():
    sys.stdin.buffer.read()
    os._exit(0)


def keep_modified_subnet_groups():
    """moto takes a DB subnet group out of its list to modify it, and does not put it back. AWS does."""
    modify = RDSBackend.modify_db_subnet_group

    def modify_and_keep(self, subnet_name, *rest, **named):
        group = modify(self, subnet_name, *rest, **named)
        self.subnet_groups[subnet_name] = group
        return group

    RDSBackend.modify_db_subnet_group = modify_and_keep


def allow_namespaces_side_by_side():
    """moto lets a VPC have one private namespace only. AWS refuses just a second one of the same name."""
    create = ServiceDiscoveryBackend.create_private_dns_namespace

    def create_beside_others(self, name, *rest, **named):
        others = {key: one for key, one in self.namespaces.items() if one.name != name}
        self.namespaces = {key: one for key, one in self.namespaces.items() if one.name == name}
        try:
            return create(self, name, *rest, **named)
        finally:
            self.namespaces |= others

    ServiceDiscoveryBackend.create_private_dns_namespace = create_beside_others


def main():
    keep_modified_subnet_groups()
    allow_namespaces_side_by_side()
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    app = Counted(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=end_with_input, daemon=True).start()
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
