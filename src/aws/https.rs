//! How the SDK's HTTP client connects: through the proxies of the environment, and with whom its certificates vouch for.

use std::fmt;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Names a PEM file whose certificates are trusted in place of the system's
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html>). The SDK does not read it.
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

const PROXIES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// An environment variable that cannot be used, and why.
#[derive(Debug)]
pub struct Unusable {
    variable: &'static str,
    why: String,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.why)
    }
}

/// A client that goes by the proxies of the environment and `NO_PROXY`, and trusts the certificates of `AWS_CA_BUNDLE`,
/// or else the system's. What the SDK's own builder makes has no proxies.
///
/// # Errors
/// A proxy's address is none, or the file of certificates cannot be read or holds something else.
pub(super) fn client() -> Result<SharedHttpClient, Unusable> {
    for variable in PROXIES {
        std::env::var(variable).map_or(Ok(()), |address| is_proxy(variable, &address))?;
    }
    let unusable = |why: String| Unusable { variable: CA_BUNDLE, why };
    let trusted = match std::env::var(CA_BUNDLE) {
        Ok(path) if !path.is_empty() => bundle(&path).map_err(unusable)?,
        _ => TrustStore::default(),
    };
    let tls =
        TlsContext::builder().with_trust_store(trusted).build().map_err(|error| unusable(error.to_string()))?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls.clone())
            .build()
    }))
}

/// The connector passes over an address that it cannot use, and would connect without the proxy. The address may hold a
/// password: it is not quoted.
fn is_proxy(variable: &'static str, address: &str) -> Result<(), Unusable> {
    let with_scheme = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    if address.is_empty() || ProxyConfig::all(with_scheme.as_str()).is_ok() {
        return Ok(());
    }
    let why = "this is not the address of an HTTP proxy, such as http://proxy.town.example:3128".to_owned();
    Err(Unusable { variable, why })
}

fn bundle(path: &str) -> Result<TrustStore, String> {
    let pem = std::fs::read(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    only(pem).map_err(|why| format!("{path}: {why}"))
}

/// Nobody but these certificates. The SDK would panic at what is none.
fn only(pem: Vec<u8>) -> Result<TrustStore, String> {
    let mut roots = RootCertStore::empty();
    for (number, certificate) in (1..).zip(CertificateDer::pem_slice_iter(&pem)) {
        let certificate = certificate.map_err(|error| format!("certificate {number}: {error}"))?;
        roots.add(certificate).map_err(|_| format!("certificate {number} is no X.509 certificate"))?;
    }
    if roots.is_empty() {
        return Err("it holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`)".to_owned());
    }
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_holds_certificates_and_nothing_broken() {
        let wrong = |pem: &str| only(pem.as_bytes().to_vec()).expect_err(pem);
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for none in ["", "some text", key] {
            assert!(wrong(none).contains("no certificate"), "{none}");
        }
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(wrong(broken), "certificate 1 is no X.509 certificate");
        assert!(wrong(&broken.replace("AAAA", "*")).starts_with("certificate 1: "));
    }

    #[test]
    fn a_proxy_that_would_be_passed_over_is_refused() {
        for address in
            ["", "proxy:3128", "http://proxy.town.example:3128", "https://ada:planted@proxy.town.example"]
        {
            is_proxy("HTTPS_PROXY", address).expect(address);
        }
        for address in ["socks5://ada:planted@proxy:1080", "http://", "no address:planted"] {
            let error = is_proxy("HTTPS_PROXY", address).expect_err(address).to_string();
            assert!(error.starts_with("HTTPS_PROXY: ") && !error.contains("planted"), "{error}");
        }
    }
}
