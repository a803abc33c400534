//! What to do about errors of credentials, permissions or the connection.

use super::{CloudError, ErrorClass, NO_CREDENTIALS, NOT_SENT};

pub(super) fn help(error: &CloudError) -> Option<&'static str> {
    let code = error.code.rsplit('#').next().unwrap_or_default();
    let message = error.message.to_ascii_lowercase();
    let says = |words: &str| message.contains(words);
    let remedy = match code {
        NO_CREDENTIALS => {
            "no credentials were found: set AWS_PROFILE or --profile, log in with `aws sso login`, or give the job a role"
        }
        NOT_SENT => "the call was not sent: correct the region, the profile or AWS_ENDPOINT_URL",
        "IncompleteResponse" => {
            "the response is not from AWS, or was cut off on the way: check proxies, the network and \
             AWS_ENDPOINT_URL"
        }
        "" if says("invalid peer certificate") => {
            "the certificate of the endpoint, or of a proxy before it, is not trusted: name the certificates of its \
             authority in AWS_CA_BUNDLE"
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            "the session has expired: log in again (`aws sso login`), or start the job again"
        }
        "InvalidClientTokenId" | "UnrecognizedClientException" | "RegionDisabledException" | "OptInRequired" => {
            "the access key is invalid or deleted, or the region is not enabled in this account: check both"
        }
        "RequestTimeTooSkewed" => CLOCK,
        "SignatureDoesNotMatch" | "InvalidSignatureException"
            if says("signature expired") || says("not yet current") =>
        {
            CLOCK
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" => {
            "the secret access key does not belong to the access key id"
        }
        _ if !error.is(ErrorClass::Denied) => return None,
        _ if says("service control policy") => {
            "a service control policy of the organization denies this call: an administrator of the organization \
             can allow it"
        }
        _ if says("permissions boundary") => {
            "the permissions boundary of these credentials does not allow this call: extend it, or use other \
             credentials (--profile)"
        }
        _ if says("session policy") => {
            "the session policy of these credentials does not allow this call: extend it"
        }
        _ if says("explicit deny") => {
            "the call is denied explicitly: an allow has no effect until the statement that denies it is removed"
        }
        _ => "the credentials do not allow this call: add it to their policy, or use other credentials (--profile)",
    };
    Some(remedy)
}

const CLOCK: &str = "this machine's clock is wrong: correct it, AWS accepts a difference of five minutes at most";
