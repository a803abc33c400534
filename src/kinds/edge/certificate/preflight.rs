//! Whether ACM can issue a certificate that is requested.

use super::{Attrs, ISSUABLE};
use crate::aws::{CloudError, Reader};
use crate::kinds::edge::dns_record::preflight::{caa, of_spec};
use crate::kinds::preflight::{Answer, Coming, Verdict};

/// Whom a CAA record must name so that ACM issues
/// (<https://docs.aws.amazon.com/acm/latest/userguide/setup-caa.html>).
const AMAZON: [&str; 4] = ["amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"];

/// One paged list of the zone's records, whatever the certificates are.
pub(super) async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
    let made: Vec<_> = coming.iter().filter(|coming| coming.is_made).collect();
    if made.is_empty() {
        return Vec::new();
    }
    let known = async {
        let zone = of_spec(read).await?;
        Ok::<_, CloudError>(match zone.as_ref() {
            Some(zone) if zone.is_private => Known::Private,
            Some(zone) => Known::Records(caa(read, zone).await?),
            None => Known::Elsewhere,
        })
    };
    let known = known.await;
    let answer = |coming: &Coming<'_, Attrs>| {
        let verdict = match &known {
            Ok(known) => judged(known, &coming.attrs),
            Err(error) => Verdict::failed(error),
        };
        coming.answer_at(&ISSUABLE, "domain", coming.attrs.domain.clone(), verdict)
    };
    made.into_iter().map(answer).collect()
}

enum Known {
    /// The names and values of the zone's CAA records.
    Records(Vec<(String, Vec<String>)>),
    Private,
    /// The domain's DNS is not in the spec.
    Elsewhere,
}

fn judged(known: &Known, attrs: &Attrs) -> Verdict {
    let records = match known {
        Known::Elsewhere => {
            return Verdict::unknown(
                "the spec names no zone: ACM issues the certificate once the records that `apply` tells are in the domain's \
                 DNS",
            );
        }
        Known::Private => {
            return Verdict::bad(
                "the zone of the spec is private",
                "ACM asks the public DNS: the certificate stays pending for ever",
                "give the public zone of the domain (`zone` or `zone-id` under [dns])",
            );
        }
        Known::Records(records) => records,
    };
    let mut names = attrs.alternative_names.iter().chain([&attrs.domain]);
    match names.find_map(|name| forbidden(records, name).map(|record| (name, record))) {
        Some((name, (owner, values))) => Verdict::bad(
            format!("the CAA record of {owner} lets only {values} issue a certificate for {name}"),
            "ACM fails with CAA_ERROR",
            format!("add `0 issue \"amazon.com\"` to the CAA record of {owner}"),
        ),
        None => Verdict::ok("no CAA record of the zone keeps Amazon from issuing it"),
    }
}

/// The CAA record that keeps Amazon from issuing a certificate for this name, with whom it lets: the nearest one counts,
/// that of the name or of what it is below (RFC 8659).
fn forbidden<'a>(records: &'a [(String, Vec<String>)], name: &str) -> Option<(&'a str, String)> {
    let (is_wild, bare) = match name.strip_prefix("*.") {
        Some(bare) => (true, bare),
        None => (false, name),
    };
    let mut above = std::iter::successors(Some(bare), |name| name.split_once('.').map(|(_, parent)| parent));
    let (owner, values) = above.find_map(|name| records.iter().find(|(owner, _)| owner == name))?;
    let of_tag = |tag: &str| -> Vec<&str> { values.iter().filter_map(|value| issuer(value, tag)).collect() };
    let (issue, wild) = (of_tag("issue"), of_tag("issuewild"));
    let lets = if is_wild && !wild.is_empty() { wild } else { issue };
    let is_forbidden = !lets.is_empty() && !lets.iter().any(|one| AMAZON.contains(one));
    let shown =
        || lets.iter().map(|one| if one.is_empty() { "nobody" } else { *one }).collect::<Vec<_>>().join(", ");
    is_forbidden.then(|| (owner.as_str(), shown()))
}

/// The issuer of `0 issue "amazon.com; policy=ev"`, if the record has this tag.
fn issuer<'a>(value: &'a str, tag: &str) -> Option<&'a str> {
    let mut parts = value.splitn(3, ' ');
    let (_, own, issuer) = (parts.next()?, parts.next()?, parts.next()?);
    (own == tag).then(|| issuer.trim_matches('"').split(';').next().unwrap_or_default().trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lets(name: &str, records: &[(&str, &[&str])]) -> Option<String> {
        let records: Vec<(String, Vec<String>)> = records
            .iter()
            .map(|(name, values)| ((*name).to_owned(), values.iter().map(ToString::to_string).collect()))
            .collect();
        forbidden(&records, name).map(|(owner, lets)| format!("{owner}: {lets}"))
    }

    #[test]
    fn the_nearest_record_counts() {
        assert_eq!(lets("shop.town.example", &[]), None);
        let strict: (&str, &[&str]) = ("town.example", &["0 issue \"letsencrypt.org\""]);
        assert_eq!(lets("shop.town.example", &[strict]).as_deref(), Some("town.example: letsencrypt.org"));
        assert_eq!(lets("other.example", &[strict]), None);
        let own: (&str, &[&str]) = ("shop.town.example", &["0 issue \"amazon.com; x=y\""]);
        assert_eq!(lets("shop.town.example", &[strict, own]), None);
        assert_eq!(lets("town.example", &[("town.example", &["0 iodef \"mailto:a@b.example\""])]), None);
        assert_eq!(
            lets("town.example", &[("town.example", &["0 issue \";\""])]).as_deref(),
            Some("town.example: nobody")
        );
    }

    #[test]
    fn a_wildcard_has_a_tag_of_its_own() {
        let records: (&str, &[&str]) = ("town.example", &["0 issue \"amazon.com\"", "0 issuewild \";\""]);
        assert_eq!(lets("town.example", &[records]), None);
        assert_eq!(lets("*.town.example", &[records]).as_deref(), Some("town.example: nobody"));
    }
}
