//! The environment's variables do what `docs/src/environment.md` says of them, those of no effect too.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::account::Account;
use crate::cli::{Bench, Outcome};
use crate::docs_environment::without_effect;
use crate::moto::Moto;

const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const MISSING: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Listens on 127.0.0.1, gives every request the same answer, and keeps its head.
struct Listener {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    fn start(answer: impl Into<String>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (answer, heads) = (answer.into(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&heads);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(&mut stream);
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
                let _ = reader.take(length).read_to_end(&mut Vec::new());
                kept.lock().expect("no panic").push(head);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { port, heads }
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }

    /// What was asked for: `POST /`, or of a proxy `CONNECT sts.eu-central-1.amazonaws.com:443`.
    fn asked(&self) -> BTreeSet<String> {
        let line = |head: &String| head.split(" HTTP/").next().unwrap_or_default().to_owned();
        self.heads().iter().map(line).collect()
    }
}

/// A header of a request, by its name in lower case.
fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(found, _)| found.to_lowercase() == name).map(|(_, value)| value.trim())
}

fn credentials(key: &str) -> String {
    let body = json!({
        "AccessKeyId": key, "SecretAccessKey": "secret", "Token": "token", "Expiration": "2099-01-01T00:00:00Z",
    });
    let body = body.to_string();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A run that has no keys of its own.
fn without_keys(mut command: Command) -> Command {
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command
}

/// Who made what an apply makes, by access key. The apply must end well.
fn writers(moto: &Moto, mut apply: Command) -> BTreeSet<String> {
    let outcome = Outcome::of(&mut apply);
    assert_eq!(outcome.code, 0, "{outcome}");
    moto.writes().into_iter().filter(|(_, call)| !call.contains("AssumeRole")).map(|(key, _)| key).collect()
}

/// What a plan of AWS's own endpoints asks a proxy for, with these variables. It cannot end well.
fn through_a_proxy(variables: &[(&str, &str)]) -> BTreeSet<String> {
    let proxy = Listener::start(FORBIDDEN);
    let bench = Bench::new();
    let mut command = bench.command("plan dev.toml --wait never");
    command.env("HTTPS_PROXY", proxy.address()).envs(variables.iter().copied());
    let outcome = Outcome::of(&mut command);
    assert_eq!(outcome.code, 1, "{outcome}");
    proxy.asked()
}

#[test]
fn options_have_variables() {
    let bench = Bench::new();
    for (variable, option) in [
        ("BASEPLATE_CLOUD", "--cloud"),
        ("BASEPLATE_LOCK_TIMEOUT", "--lock-timeout"),
        ("BASEPLATE_LOCK_LEASE", "--lock-lease"),
    ] {
        let outcome = Outcome::of(bench.command("apply --yes dev.toml").env(variable, "nonsense"));
        assert_ne!(outcome.code, 0, "{outcome}");
        assert!(outcome.stderr.contains(option), "{variable}: {outcome}");
    }
}

#[test]
fn fips_and_dual_stack_choose_the_endpoint() {
    for (variable, host) in [
        ("", "sts.eu-central-1.amazonaws.com"),
        ("AWS_USE_FIPS_ENDPOINT", "sts-fips.eu-central-1.amazonaws.com"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "sts.eu-central-1.api.aws"),
    ] {
        let variables: &[(&str, &str)] = if variable.is_empty() { &[] } else { &[(variable, "true")] };
        let asked = through_a_proxy(variables);
        assert!(asked.contains(&format!("CONNECT {host}:443")), "{variable}: {asked:?}");
    }
}

/// The role of a profile that is chosen by hand is assumed there, too.
#[test]
fn fips_holds_for_the_role_of_a_profile() {
    let proxy = Listener::start(FORBIDDEN);
    let bench = Bench::new();
    bench.write(
        "config",
        "[profile base]\naws_access_key_id = base\naws_secret_access_key = secret\n\
         [profile town]\nrole_arn = arn:aws:iam::123456789012:role/town\nsource_profile = base\n\
         use_fips_endpoint = true\n",
    );
    let mut command = bench.command("plan dev.toml --wait never --profile town");
    let outcome =
        Outcome::of(command.env("HTTPS_PROXY", proxy.address()).env("AWS_CONFIG_FILE", bench.path("config")));
    assert_eq!(outcome.code, 1, "{outcome}");
    let due = BTreeSet::from(["CONNECT sts-fips.eu-central-1.amazonaws.com:443".to_owned()]);
    assert_eq!(proxy.asked(), due, "{outcome}");
}

#[test]
fn endpoints_of_the_environment_can_be_ignored() {
    let asked = through_a_proxy(&[
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
    ]);
    assert!(asked.contains("CONNECT sts.eu-central-1.amazonaws.com:443"), "{asked:?}");
}

#[test]
fn one_service_has_an_endpoint_of_its_own() {
    let (moto, other) = (Moto::start(), Listener::start(FORBIDDEN));
    let account = Account::with_fixture(&moto, "small.toml");
    // Calls of another service than the first one's are repeated until their time is over.
    let mut command = account.command("plan spec.toml --call-timeout 3");
    let outcome = Outcome::of(command.env("AWS_ENDPOINT_URL_EC2", other.address()));
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(!other.heads().is_empty() && outcome.stderr.contains("ec2:"), "{outcome}");
    let called = moto.operations();
    assert!(called.contains("sts:GetCallerIdentity"), "{called:?}");
    assert!(!called.iter().any(|call| call.starts_with("ec2:")), "{called:?}");
}

#[test]
fn calls_go_through_the_proxy() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    let host = moto.endpoint().replace("http://", "");
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let proxy = Listener::start(FORBIDDEN);
        let named = format!("http://ada:planted@127.0.0.1:{}", proxy.port);
        let mut command = account.command("plan spec.toml -vvv");
        let outcome = Outcome::of(command.env(variable, &named));
        assert_eq!(outcome.code, 1, "{variable}: {outcome}");
        assert!(!outcome.to_string().contains("planted"), "{outcome}");
        let heads = proxy.heads();
        let first = heads.first().unwrap_or_else(|| panic!("{variable}: the proxy was not asked\n{outcome}"));
        assert!(first.starts_with("POST http://") && first.contains(&host), "{first}");
        assert!(header(first, "proxy-authorization").is_some_and(|value| value.starts_with("Basic ")), "{first}");
    }
    assert!(moto.operations().is_empty(), "nothing went past the proxy");

    let proxy = Listener::start(FORBIDDEN);
    let mut command = account.command("plan spec.toml");
    let outcome =
        Outcome::of(command.env("HTTP_PROXY", proxy.address()).env("NO_PROXY", "example.com,127.0.0.0/8"));
    assert_eq!((outcome.code, proxy.heads()), (0, Vec::new()), "{outcome}");

    let mut command = account.command("plan spec.toml");
    let outcome = Outcome::of(command.env("HTTPS_PROXY", "socks5://ada:planted@127.0.0.1:1080"));
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("HTTPS_PROXY: this is not the address of an HTTP proxy"), "{outcome}");
    assert!(!outcome.to_string().contains("planted"), "{outcome}");
}

#[test]
fn a_private_authority_is_trusted() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    let port = moto.endpoint().rsplit(':').next().expect("a port").to_owned();
    let front = moto.boto(&format!("import tls\nanswer = tls.front({port})"));
    let authority = front["authority"].as_str().expect("a certificate");
    std::fs::create_dir(account.bench.path("trusted")).expect("a folder");
    account.bench.write("trusted/town.pem", authority);
    let plan = |variables: &[(&str, &str)]| {
        let mut command = account.command("plan spec.toml");
        for (name, value) in variables {
            command.env(name, account.bench.path(value));
        }
        Outcome::of(command.env("AWS_ENDPOINT_URL", format!("https://127.0.0.1:{}", front["port"])))
    };
    for (name, value) in
        [("AWS_CA_BUNDLE", "trusted/town.pem"), ("SSL_CERT_FILE", "trusted/town.pem"), ("SSL_CERT_DIR", "trusted")]
    {
        let outcome = plan(&[(name, value)]);
        assert_eq!(outcome.code, 0, "{name}: {outcome}");
    }
    let outcome = plan(&[]);
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("is not trusted"), "{outcome}");

    let outcome = plan(&[("AWS_CA_BUNDLE", "nowhere.pem")]);
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("AWS_CA_BUNDLE: cannot read "), "{outcome}");
    let outcome = plan(&[("AWS_CA_BUNDLE", "spec.toml"), ("SSL_CERT_FILE", "trusted/town.pem")]);
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("it holds no certificate in PEM"), "{outcome}");
}

#[test]
fn profiles_come_from_the_shared_files() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    let keys = |key: &str| format!("[town]\naws_access_key_id = {key}\naws_secret_access_key = secret\n");
    account.bench.write("credentials", keys("of-a-file"));
    account
        .bench
        .write("config", "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/town\nsource_profile = town\n");
    let command = |arguments: &str, profile: &str| {
        let mut command = without_keys(account.command(arguments));
        command.env("AWS_PROFILE", profile);
        command
    };
    let mut apply = command("apply --yes spec.toml", "town");
    apply.env("AWS_SHARED_CREDENTIALS_FILE", account.bench.path("credentials"));
    assert_eq!(writers(&moto, apply), BTreeSet::from(["of-a-file".to_owned()]));

    let mut plan = command("plan spec.toml", "role");
    plan.env("AWS_SHARED_CREDENTIALS_FILE", account.bench.path("credentials"));
    let outcome = Outcome::of(plan.env("AWS_CONFIG_FILE", account.bench.path("config")));
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(moto.operations().contains("sts:AssumeRole"), "{:?}", moto.operations());

    // The home of a run here is its folder.
    std::fs::create_dir(account.bench.path(".aws")).expect("a folder");
    account.bench.write(".aws/credentials", keys("of-the-home"));
    moto.reset_counts();
    account.bench.edit("spec.toml", "team = \"town\"", "team = \"city\"");
    let apply = command("apply --yes spec.toml", "town");
    assert_eq!(writers(&moto, apply), BTreeSet::from(["of-the-home".to_owned()]));
}

#[test]
fn a_web_identity_assumes_its_role() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    account.bench.write("token", "a-token");
    let mut command = without_keys(account.command("apply --yes spec.toml"));
    command
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/town")
        .env("AWS_ROLE_SESSION_NAME", "town-run")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", account.bench.path("token"));
    let writers = writers(&moto, command);
    assert!(!writers.is_empty() && !writers.contains("test") && !writers.contains("nobody"), "{writers:?}");
    assert!(moto.operations().contains("sts:AssumeRoleWithWebIdentity"), "{:?}", moto.operations());
}

#[test]
fn a_container_gets_its_credentials() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    account.bench.write("token", "token-of-a-file");
    let container = Listener::start(credentials("of-the-container"));
    let mut apply = without_keys(account.command("apply --yes spec.toml"));
    apply
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/credentials", container.address()))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token-of-the-environment");
    assert_eq!(writers(&moto, apply), BTreeSet::from(["of-the-container".to_owned()]));
    let heads = container.heads();
    assert_eq!(container.asked(), BTreeSet::from(["GET /credentials".to_owned()]));
    assert_eq!(header(&heads[0], "authorization"), Some("token-of-the-environment"), "{heads:?}");

    // The other address is fixed: a proxy stands for the machine that has it.
    let container = Listener::start(credentials("of-the-task"));
    let mut plan = without_keys(account.command("plan spec.toml"));
    plan.env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/credentials")
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", account.bench.path("token"))
        .env("HTTP_PROXY", container.address())
        .env("NO_PROXY", "127.0.0.1");
    let outcome = Outcome::of(&mut plan);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_eq!(container.asked(), BTreeSet::from(["GET http://169.254.170.2/credentials".to_owned()]));
    assert_eq!(header(&container.heads()[0], "authorization"), Some("token-of-a-file"));
}

#[test]
fn the_instance_is_asked_for_its_role() {
    let instance = Listener::start(MISSING);
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    let run = |disabled: bool, variables: &[(&str, &str)]| {
        let mut command = without_keys(account.command("plan spec.toml"));
        command.env("AWS_EC2_METADATA_DISABLED", disabled.to_string()).envs(variables.iter().copied());
        let outcome = Outcome::of(&mut command);
        assert_eq!(outcome.code, 1, "there are no credentials: {outcome}");
    };
    let address = instance.address();
    run(true, &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &address)]);
    assert_eq!(instance.asked(), BTreeSet::new());
    run(false, &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &address)]);
    assert!(instance.asked().contains("PUT /latest/api/token"), "{:?}", instance.asked());

    let proxy = Listener::start(MISSING);
    let address = proxy.address();
    run(
        false,
        &[("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"), ("HTTP_PROXY", &address), ("NO_PROXY", "127.0.0.1")],
    );
    assert!(proxy.asked().contains("PUT http://[fd00:ec2::254]/latest/api/token"), "{:?}", proxy.asked());
}

#[test]
fn requests_say_what_the_environment_says() {
    let endpoint = Listener::start(FORBIDDEN);
    let bench = Bench::new();
    let mut command = bench.command("plan dev.toml --wait never");
    let outcome = Outcome::of(
        command
            .env("AWS_ENDPOINT_URL", endpoint.address())
            .env("AWS_SESSION_TOKEN", "a-session")
            .env("AWS_SDK_UA_APP_ID", "town-pipeline")
            .env("AWS_EXECUTION_ENV", "town-ci"),
    );
    assert_eq!(outcome.code, 1, "{outcome}");
    let heads = endpoint.heads();
    let head = heads.first().expect("a request");
    assert_eq!(header(head, "x-amz-security-token"), Some("a-session"));
    let agents = [header(head, "user-agent"), header(head, "x-amz-user-agent")].map(Option::unwrap_or_default);
    let agents = agents.concat();
    assert!(agents.contains("app/town-pipeline") && agents.contains("exec-env/town-ci"), "{agents}");
}

/// By it, CloudTrail's events tell what Baseplate did from what somebody else did.
#[test]
fn requests_say_that_they_are_baseplates() {
    let endpoint = Listener::start(FORBIDDEN);
    let bench = Bench::new();
    let mut command = bench.command("plan dev.toml --wait never");
    let outcome = Outcome::of(command.env("AWS_ENDPOINT_URL", endpoint.address()));
    assert_eq!(outcome.code, 1, "{outcome}");
    let heads = endpoint.heads();
    let agent = header(heads.first().expect("a request"), "user-agent").unwrap_or_default();
    assert!(agent.contains("aws-sdk-rust/") && agent.split(' ').any(|part| part == "app/baseplate"), "{agent}");
}

/// Set to what would break whoever reads them, they change neither the plan nor the calls.
#[test]
fn what_has_no_effect_has_none() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    let variables = without_effect();
    assert!(variables.len() > 20, "{variables:?}");
    let mut runs = [false, true].into_iter().map(|are_set| {
        moto.reset_counts();
        let mut command = account.command("plan spec.toml");
        command.envs(variables.iter().filter(|_| are_set).map(|name| (name, "nonsense")));
        let outcome = Outcome::of(&mut command);
        assert_eq!(outcome.code, 0, "{outcome}");
        (outcome.stdout, outcome.stderr, moto.counts().by_action)
    });
    let (without, with) = (runs.next(), runs.next());
    assert_eq!(without, with);
}
