//! moto over HTTP, which stands in for AWS: a server of one's own for each test, on a free port of 127.0.0.1.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use crate::python::{PYTHON, script};

/// A running server. It ends with this value, or with the process of the tests.
pub struct Moto {
    /// `None` for one that another forked off.
    process: Option<Child>,
    port: u16,
}

/// What was called since the start or the last reset, by "service:Action".
#[derive(Debug, Deserialize)]
pub struct Counts {
    pub total: usize,
    /// How many of these do more than look.
    pub writes: usize,
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
}

impl Moto {
    pub fn start() -> Self {
        let mut process = Command::new(PYTHON.interpreter())
            .arg(script("server.py"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the Python of the tests starts");
        let mut port = String::new();
        let stdout = process.stdout.take().expect("its standard output");
        BufReader::new(stdout).read_line(&mut port).expect("the port that moto listens on");
        let port = port.trim().parse().expect("moto prints its port once it listens; run tests/python/server.py");
        Self { process: Some(process), port }
    }

    /// Another server, which begins with what is in this one, and ends with it at the latest.
    pub fn fork(&self) -> Self {
        let answer: Value = serde_json::from_str(&self.request("POST", "/__fork")).expect("a port as JSON");
        let port = answer["port"].as_u64().and_then(|port| port.try_into().ok()).expect("the port of the copy");
        Self { process: None, port }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn counts(&self) -> Counts {
        serde_json::from_str(&self.request("GET", "/__counts")).expect("counts as JSON")
    }

    pub fn reset_counts(&self) {
        self.request("POST", "/__reset_counts");
    }

    /// Who wrote since the start or the last reset, by access key, and what: "service:Action". Writes of locks are
    /// not among them.
    pub fn writes(&self) -> Vec<(String, String)> {
        serde_json::from_str(&self.request("GET", "/__writes")).expect("writes as JSON")
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
        serde_json::from_str(&self.request("GET", "/__fault")).expect("what was struck, as JSON")
    }

    pub fn heal(&self) {
        self.request("POST", "/__fault");
    }

    /// All that is there, as boto3 sees it, without ids: `tests/python/everything.py`.
    pub fn everything(&self) -> BTreeMap<String, Vec<String>> {
        serde_json::from_str(&self.request("GET", "/__everything")).expect("lists of lines as JSON")
    }

    /// Runs Python with boto3 as `tests/python/snippet.py` says, and gives what it leaves in `answer`.
    pub fn boto(&self, snippet: &str) -> Value {
        let mut process = Command::new(PYTHON.interpreter())
            .arg(script("snippet.py"))
            .env_clear()
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_ENDPOINT_URL", self.endpoint())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", "eu-central-1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the Python of the tests starts");
        let mut stdin = process.stdin.take().expect("its standard input");
        stdin.write_all(snippet.as_bytes()).expect("the snippet goes in");
        drop(stdin);
        let output = process.wait_with_output().expect("the snippet ends");
        assert!(output.status.success(), "{snippet}\n{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("an answer as JSON")
    }

    /// The body of the answer. The server closes the connection after it, as asked.
    fn request(&self, method: &str, path: &str) -> String {
        let answer = self.ask(method, path).expect("moto listens and answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
        assert!(head.contains(" 200 "), "{method} {path}: {head}");
        body.to_owned()
    }

    fn ask(&self, method: &str, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        match &mut self.process {
            Some(process) => {
                let _ = process.kill();
                let _ = process.wait();
            }
            // It is not a child of this process; it ends without an answer.
            None => drop(self.ask("POST", "/__end")),
        }
    }
}
