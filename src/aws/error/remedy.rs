//! What helps against an error that is the caller's: it is in the credentials, in what they may do, or on the way.

use super::{Class, CloudError, NOT_SENT};

pub(super) fn remedy(error: &CloudError) -> Option<&'static str> {
    let code = error.code.rsplit('#').next().unwrap_or_default();
    let message = error.message.to_ascii_lowercase();
    let says = |words: &str| message.contains(words);
    let remedy = match code {
        NOT_SENT if says("credential") => {
            "no credentials were found: set AWS_PROFILE or --profile, log in with `aws sso login`, or give the job a role"
        }
        NOT_SENT => "nothing was asked of AWS: correct the region, the profile or AWS_ENDPOINT_URL",
        "IncompleteAnswer" => {
            "what answers is not AWS, or its answers are cut on the way: check proxies, the network and AWS_ENDPOINT_URL"
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            "the session has run out: log in again (`aws sso login`), or start the job again"
        }
        "InvalidClientTokenId" | "UnrecognizedClientException" | "RegionDisabledException" | "OptInRequired" => {
            "the key is wrong or gone, or the region is not enabled in this account: check both"
        }
        "RequestTimeTooSkewed" => CLOCK,
        "SignatureDoesNotMatch" | "InvalidSignatureException"
            if says("signature expired") || says("not yet current") =>
        {
            CLOCK
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" => "the secret key does not belong to the key's id",
        _ if !error.is(Class::Denied) => return None,
        _ if says("service control policy") => {
            "a service control policy of the organization forbids this call: who manages the organization can allow it"
        }
        _ if says("permissions boundary") => {
            "the permissions boundary of these credentials does not allow this call: widen it, or choose others (--profile)"
        }
        _ if says("session policy") => {
            "the session policy that these credentials were made with does not allow this call: widen it there"
        }
        _ if says("explicit deny") => {
            "the call is denied explicitly: no policy that allows it helps, the statement that denies it must go"
        }
        _ => "the credentials do not allow this call: add it to their policy, or choose others (--profile)",
    };
    Some(remedy)
}

const CLOCK: &str = "this machine's clock is wrong: set it, AWS takes five minutes of difference at most";
