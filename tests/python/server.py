"""moto behind a counter, on 127.0.0.1.

`server.py PORT` serves at this port. `server.py` loads all that a server needs, once, and then starts one for every
line on its standard input, as a copy of itself, which takes no time: it prints the port of each. It and all its
servers end when its standard input does, so that they cannot outlive the tests, however these end.

Besides AWS a server answers
  GET  /__counts         {"total": n, "writes": n, "at_once": n, "by_action": {"ec2:DescribeVpcs": n}, "repeated": {…}}
  GET  /__writes         [["access key", "ec2:CreateVpc"], …] in the order they came in, without those of locks
                         and of lists of kinds
  POST /__reset_counts   forgets what was counted
  POST /__fault?how=…    lets calls go wrong, as `faults.Fault` says; without `how` none does any more
  GET  /__fault          {"broken": ["ec2:CreateVpc"], "held": n, "sent": n}: calls that went wrong, how many of them hang,
                         bytes of answers without end
  GET  /__operations     ["ec2:CreateVpc", …]: which of AWS's operations Baseplate called so far
  GET  /__violations     ["ec2:CreateVpc: CidrBlock is required, and missing", …]: what AWS's own models do not allow of
                         Baseplate's requests so far; each was answered with an error
  POST /__violations     the same, and forgets them
  POST /__fork           {"port": n}: another server, which begins with what is in this one
  GET  /__everything     what is in it, as `inventory.Account.everything` sees it over HTTP
  POST /__boto           {"answer": …} or {"error": "…"}: runs the Python in the body with boto3 at hand, which sees
                         `client("ec2")`, `pages("ec2", "describe_vpcs", "Vpcs", …)`, `inventory(project, environment)`,
                         `everything()` and the `inventory.Account` that these are of, and leaves its answer in `answer`
  POST /__end            ends it, without an answer
"""

import functools
import gc
import hashlib
import io
import json
import os
import re
import signal
import stat
import sys
import threading
import traceback
from collections import Counter
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

# Read by moto when it is imported.
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
os.environ.setdefault("MOTO_ACM_VALIDATION_WAIT", "1")

import boto3  # noqa: E402
import jsonschema  # noqa: E402, F401  snippets import it
import moto.backends  # noqa: E402
import moto.core.responses  # noqa: E402
from botocore.awsrequest import AWSResponse, HeadersDict  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

import kinds  # noqa: E402
import paging  # noqa: E402
import requests_model  # noqa: E402
import tag_index  # noqa: E402
from faults import Fault, whole  # noqa: E402
from inventory import Account  # noqa: E402

EC2_ERROR = (
    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
    "<RequestID>made-up</RequestID></Response>"
)
XML_ERROR = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    "<RequestId>made-up</RequestId></ErrorResponse>"
)


REGION = "eu-central-1"


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
        self.token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "")
        scope = re.search(r"Credential=([^/,]*)[^,]*/([^/,]+)/aws4_request", environ.get("HTTP_AUTHORIZATION", ""))
        self.caller, self.service = scope.groups() if scope else ("nobody", "unsigned")
        # What other programs send is their own affair.
        self.is_judged = "aws-sdk-rust" in environ.get("HTTP_USER_AGENT", "")
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
    def kind(self):
        if re.match(r"[^:]+:(Describe|List|Lookup|Get|BatchGet|GET )", self.name):
            return "read"
        if self.name == "ssm:PutParameter":
            for kind, end in (("lock", b'/lock"'), ("list", b'/applied/kinds"')):
                if end in self.body:
                    return kind
        return "write"

    @property
    def digest(self):
        body = self.body.decode(errors="replace")
        if self.target:
            # Maps are sent in whatever order.
            body = json.dumps(json.loads(body), sort_keys=True)
        parts = [self.name, self.path, self.query, body]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @property
    def protocol(self):
        return "json" if self.target else "ec2" if self.service == "ec2" else "query"

    @property
    def arguments(self):
        """The texts that it hands over, in the order of their names."""
        if self.target:
            arguments = json.loads(self.body)
            return [value for _, value in sorted(arguments.items()) if isinstance(value, str)]
        return [value for _, values in sorted(parse_qs(self.body.decode()).items()) for value in values]

    def error(self, status, code, quote=False, message=None):
        """An error in the protocol of the service that was called: status, headers, body."""
        message = message or f"{self.name} fails because the test wants it to"
        if quote:
            # XML cannot carry an escape.
            steers = "\x1b[2J\x1b]0;owned\x07" if self.target else "\u202e\u200b"
            steers += "\n::error::owned ##[error]owned"
            canonical = f"{self.method}\n{self.path}\n{self.query}\nx-amz-security-token:{self.token}"
            message += f"{steers}: {', '.join(self.arguments)}"
            message += f"\n\nThe Canonical String for this request should have been\n'{canonical}'"
        if self.protocol == "json":
            content_type, body = "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message})
        else:
            template = EC2_ERROR if self.protocol == "ec2" else XML_ERROR
            content_type, body = "text/xml", template.format(code=code, message=escape(message))
        return whole(f"{status} Failed", content_type, body.encode())


class Counted:
    """Counts the calls that pass through it, and lets some of them go wrong."""

    def __init__(self, app):
        self.app = app
        self.straight = Straight(self.handle)
        self.begin()

    def begin(self):
        """As new, but for what is in moto: nobody is under way here."""
        # moto's dictionaries are not made for threads: a concurrent create can answer 500.
        self.lock = threading.Lock()
        # Nor is boto3's session. Where both are taken, this one comes first.
        self.straight.lock = threading.Lock()
        self.fault = None
        self.in_flight = 0
        self.operations, self.violations = set(), []
        self.reset()

    def reset(self):
        self.at_once = 0
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
            "writes": len(self.writes),
            "at_once": self.at_once,
            "by_action": dict(sorted(self.by_action.items())),
            "repeated": dict(sorted(repeated.items())),
        }

    def control(self, call):
        options = {key: values[0] for key, values in parse_qs(call.query).items()}
        match call.method, call.path:
            case "GET", "/__counts":
                return self.counts()
            case "GET", "/__writes":
                return self.writes
            case "POST", "/__reset_counts":
                self.reset()
            case "GET", "/__operations":
                return sorted(self.operations)
            case "GET", "/__violations":
                return self.violations
            case "POST", "/__violations":
                found, self.violations = self.violations, []
                return found
            case "POST", "/__fault":
                if self.fault:
                    self.fault.over.set()
                self.fault = Fault(**options) if options else None
            case "GET", "/__fault":
                return {"broken": self.fault.broken, "held": self.fault.held, "sent": self.fault.sent}
        return {}

    def handle(self, environ):
        """The right answer: status, headers, body."""
        head = []
        with self.lock:
            body = list(self.app(environ, lambda status, headers, *_: head.append((status, headers))))
        return *head[-1], body

    def judge(self, call):
        """What goes back in place of the right answer, if AWS would not take this."""
        operation, wrong = requests_model.judge(call) if call.is_judged else (None, [])
        with self.lock:
            self.operations.update([operation] if operation else [])
            # The SDK may send it again.
            self.violations += [one for one in wrong if one not in self.violations]
        return call.error(400, "ValidationError", message="\n".join(wrong)) if wrong else None

    def aws(self, call, environ):
        if refusal := self.judge(call):
            return refusal
        with self.lock:
            self.in_flight += 1
            self.at_once = max(self.at_once, self.in_flight)
        try:
            return self.answer(call, environ)
        finally:
            with self.lock:
                self.in_flight -= 1

    def answer(self, call, environ):
        with self.lock:
            self.by_action[call.name] += 1
            self.by_digest[call.name, call.digest] += 1
            if call.kind == "write":
                self.writes.append([call.caller, call.name])
            fault = self.fault
            how = fault.strikes(call) if fault else None
        if how is None:
            return self.handle(environ)
        if how in ("cut", "loop"):
            return fault.changed(how, fault.kept or self.handle(environ))
        if how.endswith("-after"):
            self.handle(environ)
            return fault.answer(call, how.removesuffix("-after"))
        return fault.answer(call, how) or self.handle(environ)

    def __call__(self, environ, start_response):
        call = Call(environ)
        if answer := self.straight.answer(call):
            status, headers, body = whole("200 OK", "application/json", answer.encode())
        elif call.path == "/__end":
            os._exit(0)
        elif call.path == "/__fork":
            with self.straight.lock, self.lock:
                answer = {"port": fork(self)}
            status, headers, body = whole("200 OK", "application/json", json.dumps(answer).encode())
        elif call.path.startswith("/__"):
            with self.lock:
                answer = self.control(call)
            status, headers, body = whole("200 OK", "application/json", json.dumps(answer).encode())
        else:
            status, headers, body = self.aws(call, environ)
        start_response(status, headers)
        return body


class Quiet(WSGIRequestHandler):
    """Keeps connections open, as AWS does, and writes no access log."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass

    def connection_dropped(self, *_):
        self.close_connection = True


class Body(io.BytesIO):
    """As botocore wants to read it."""

    def stream(self, **_):
        while part := self.read(1 << 16):
            yield part


class Straight:
    """boto3 on what the application holds, with no network between: its calls are not counted, and none goes wrong."""

    def __init__(self, handle):
        self.handle = handle
        self.account = Account(functools.cache(self.client))

    def client(self, service):
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client = boto3.client(service, region_name=REGION, **keys)
        client.meta.events.register("before-send", self.send)
        return client

    def send(self, request, **_):
        url = urlsplit(request.url)
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        named = {f"HTTP_{key.upper().replace('-', '_')}": text(value) for key, value in request.headers.items()}
        status, headers, answer = self.handle({
            **named,
            **{"CONTENT_TYPE": named.get("HTTP_CONTENT_TYPE", ""), "CONTENT_LENGTH": str(len(body))},
            **{"REQUEST_METHOD": request.method, "PATH_INFO": unquote(url.path), "QUERY_STRING": url.query},
            **{"SERVER_NAME": url.hostname, "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": ""},
            **{"wsgi.url_scheme": "https", "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr},
            **{"wsgi.version": (1, 0), "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False},
        })
        return AWSResponse(request.url, int(status.split()[0]), HeadersDict(headers), Body(b"".join(answer)))

    def everything(self, _):
        return self.account.everything()

    def boto(self, snippet):
        names = {name: getattr(self.account, name) for name in ("client", "pages", "inventory", "everything")}
        names |= {"account": self.account, "answer": None}
        try:
            exec(compile(snippet, "snippet", "exec"), names)
        except Exception:
            return {"error": traceback.format_exc()}
        return {"answer": names["answer"]}

    def answer(self, call):
        query = {"/__everything": self.everything, "/__boto": self.boto}.get(call.path)
        if query is None:
            return None
        with self.lock:
            return json.dumps(query(call.body.decode()), default=str)


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def load(counted):
    """Lets moto and boto3 make what they make when it is first asked for, so that every copy has it."""
    requests_model.load_all()
    counted.straight.account.everything()
    for service, operation in (("resourcegroupstaggingapi", "get_resources"), ("sts", "get_caller_identity")):
        getattr(counted.straight.account.client(service), operation)()


def fork(counted):
    """Another server with a copy of all that this process holds; its port. Nobody may be in moto meanwhile."""
    gc.freeze()
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        LIFE.only_watch()
        let_go_of_connections()
        counted.begin()
        serve(counted, 0, lambda port: tell(writer, port))
    os.close(writer)
    port = int(os.read(reader, 16))
    os.close(reader)
    return port


def tell(writer, port):
    os.write(writer, str(port).encode())
    os.close(writer)


class Life:
    """A pipe that only the first process of all can write to: it closes with that, however that ends."""

    def __init__(self):
        self.reader, self.writer = os.pipe()

    def only_watch(self):
        if self.writer is not None:
            os.close(self.writer)
            self.writer = None

    def wait_for_end(self):
        os.read(self.reader, 1)
        os._exit(0)


LIFE = Life()


def let_go_of_connections():
    """What is open belongs to the process that this one is a copy of. The numbers stay taken: objects of that
    process still hold them, and would close what came to bear them next."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (sys.stdin.fileno(), sys.stdout.fileno()):
        os.dup2(nothing, number)
    for number in range(3, 1024):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                os.dup2(nothing, number)
        except OSError:
            pass


def look_up_once():
    """moto reads its own folder and classes anew for each call, and draws a key for each certificate, which takes a
    third of a second. None of that differs from call to call."""
    names = tuple(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: names
    moto.core.responses.method_names_from_class = functools.cache(moto.core.responses.method_names_from_class)
    rsa.generate_private_key = functools.cache(rsa.generate_private_key)


def main():
    look_up_once()
    for mend in kinds.every("mend"):
        mend()
    tag_index.complete()
    paging.as_aws_does()
    # Servers that were forked off are nobody's to wait for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    counted = Counted(DomainDispatcherApplication(create_backend_app))
    load(counted)
    if len(sys.argv) > 1:
        serve(counted, int(sys.argv[1]), lambda port: print(port, flush=True))
    for _ in iter(sys.stdin.readline, ""):
        print(fork(counted), flush=True)


def serve(counted, port, tell):
    """For ever, or until the first process of all ends."""
    server = make_server("127.0.0.1", port, counted, threaded=True, request_handler=Quiet)
    threading.Thread(target=LIFE.wait_for_end, daemon=True).start()
    tell(server.server_port)
    server.serve_forever()


if __name__ == "__main__":
    main()
