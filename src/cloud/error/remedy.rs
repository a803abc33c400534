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
        _ if !error.is(Class::Denied) => return None,
        _ => "the credentials do not allow this call: add it to their policy, or choose others (--profile)",
    };
    Some(remedy)
}
