//! moto over HTTP, which stands in for AWS: a server of one's own for each test, on a free port of 127.0.0.1.
//!
//! Loading moto takes seconds. One process does that, once, and each server is a copy of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::python::{PYTHON, script};

/// A running server. It ends with this value, or with the process of the tests.
pub struct Moto {
    port: u16,
}

/// The process that the servers are copies of. It ends when its standard input does, with this one: however a test
/// ends, nothing stays.
struct Loaded {
    _process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Loaded {
    fn start() -> Self {
        let mut process = Command::new(PYTHON.interpreter())
            .arg(script("server.py"))
            .env_clear()
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the Python of the tests starts");
        let stdin = process.stdin.take().expect("its standard input");
        let stdout = BufReader::new(process.stdout.take().expect("its standard output"));
        Self { _process: process, stdin, stdout }
    }

    /// The port of a new server.
    fn copy(&mut self) -> Option<u16> {
        self.stdin.write_all(b"\n").ok()?;
        let mut port = String::new();
        self.stdout.read_line(&mut port).ok()?;
        port.trim().parse().ok()
    }
}

/// What was called since the start or the last reset, by "service:Action".
#[derive(Debug, Deserialize)]
pub struct Counts {
    pub total: usize,
    /// How many of these do more than look.
    pub writes: usize,
    /// How many were under way at once, at most.
    pub at_once: usize,
    pub by_action: BTreeMap<String, usize>,
    /// Calls that came more than once with the same arguments, and how often too often.
    pub repeated: BTreeMap<String, usize>,
}

/// What a fault has done so far.
#[derive(Debug, Deserialize)]
pub struct Struck {
    /// The calls that it did strike, by "service:Action".
    pub broken: Vec<String>,
    /// How many of these hang now.
    pub held: usize,
    /// The bytes that went out of an answer without end.
    pub sent: usize,
}

impl Moto {
    pub fn start() -> Self {
        static LOADED: OnceLock<Mutex<Loaded>> = OnceLock::new();
        let loaded = LOADED.get_or_init(|| Mutex::new(Loaded::start()));
        let port = loaded.lock().expect("no other test failed to start one").copy();
        Self { port: port.expect("moto says its port once it listens; run tests/python/server.py") }
    }

    /// Another server, which begins with what is in this one.
    pub fn fork(&self) -> Self {
        // Servers that tests begin from live as long as the tests, so this is where it shows.
        let violations: Vec<String> = self.json("GET", "/__violations");
        assert!(violations.is_empty(), "AWS would not take these requests:\n{}", violations.join("\n"));
        let answer: Value = self.json("POST", "/__fork");
        let port = answer["port"].as_u64().and_then(|port| port.try_into().ok()).expect("the port of the copy");
        Self { port }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn counts(&self) -> Counts {
        self.json("GET", "/__counts")
    }

    pub fn reset_counts(&self) {
        self.request("POST", "/__reset_counts");
    }

    /// Who wrote since the start or the last reset, by access key, and what: "service:Action". Writes of locks
    /// and of lists of kinds are not among them.
    pub fn writes(&self) -> Vec<(String, String)> {
        self.json("GET", "/__writes")
    }

    /// The operations of AWS that Baseplate called so far, "service:Operation".
    pub fn operations(&self) -> BTreeSet<String> {
        self.json("GET", "/__operations")
    }

    /// What AWS's own models do not allow of the requests so far, which it forgets: a test that leaves anything of
    /// that fails, whatever else it finds. Each such request was answered with an error.
    pub fn take_violations(&self) -> Vec<String> {
        self.json("POST", "/__violations")
    }

    /// From now on, calls fail whose "service:Action" matches the pattern, with this HTTP status and AWS code.
    pub fn fail(&self, pattern: &str, status: u16, code: &str) {
        self.fault(&format!("how=error&match={pattern}&status={status}&code={code}"));
    }

    /// The same for writes or reads only, and what AWS says quotes all that it was given.
    pub fn fail_quoting(&self, pattern: &str, calls: &str, code: &str) {
        self.fault(&format!("how=error&match={pattern}&calls={calls}&status=400&code={code}&quote=1"));
    }

    /// The next so many of these calls fail.
    pub fn fail_times(&self, pattern: &str, status: u16, code: &str, times: usize) {
        self.fault(&format!("how=error&match={pattern}&status={status}&code={code}&times={times}"));
    }

    /// From now on, calls go wrong as `tests/python/faults.py` says.
    pub fn fault(&self, options: &str) {
        self.request("POST", &format!("/__fault?{options}"));
    }

    /// What the fault has done.
    pub fn struck(&self) -> Struck {
        self.json("GET", "/__fault")
    }

    pub fn heal(&self) {
        self.request("POST", "/__fault");
    }

    /// All that is there, as boto3 sees it, without ids: `tests/python/everything.py`.
    pub fn everything(&self) -> BTreeMap<String, Vec<String>> {
        self.json("GET", "/__everything")
    }

    /// Runs Python with boto3 as `tests/python/server.py` says, and gives what it leaves in `answer`. These calls are
    /// not counted, and no fault strikes them.
    pub fn boto(&self, snippet: &str) -> Value {
        let said: Value = serde_json::from_str(&self.send("POST", "/__boto", snippet)).expect("JSON");
        if let Some(error) = said["error"].as_str() {
            panic!("{snippet}\n{error}");
        }
        said["answer"].clone()
    }

    fn request(&self, method: &str, path: &str) -> String {
        self.send(method, path, "")
    }

    fn json<T: DeserializeOwned>(&self, method: &str, path: &str) -> T {
        let answer = self.request(method, path);
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{method} {path}: {error} in {answer}"))
    }

    /// The body of the answer. The server closes the connection after it, as asked.
    fn send(&self, method: &str, path: &str, body: &str) -> String {
        let (head, body) = self.ask(method, path, &[], body).expect("moto listens and answers");
        assert!(head.contains(" 200 "), "{method} {path}: {head}");
        body
    }

    /// A request as it is; the head of the answer and its body.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> std::io::Result<(String, String)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        let (length, close) = (body.len().to_string(), [("Host", "127.0.0.1"), ("Connection", "close")]);
        let mut request = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in close.iter().chain(headers).chain(&[("Content-Length", length.as_str())]) {
            request += &format!("{name}: {value}\r\n");
        }
        stream.write_all((request + "\r\n" + body).as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        Ok((head.to_owned(), body.to_owned()))
    }
}

impl Drop for Moto {
    /// Also sees what was asked by a process that was killed meanwhile.
    #[expect(clippy::print_stderr, reason = "what a test fails with already may follow from this")]
    fn drop(&mut self) {
        let violations = self.ask("POST", "/__violations", &[], "");
        // It is not a child of this process; it ends without an answer.
        drop(self.ask("POST", "/__end", &[], ""));
        let violations = match violations {
            Ok((_, violations)) if violations == "[]" => return,
            Ok((_, violations)) => violations,
            Err(error) => format!("the server is gone: {error}"),
        };
        let found = format!("AWS would not take these requests: {violations}");
        // A second panic would end all tests.
        if std::thread::panicking() {
            eprintln!("{found}");
        } else {
            panic!("{found}");
        }
    }
}
