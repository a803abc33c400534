//! Answers that come in pages: what leads from one to the next, in any of AWS's spellings. The SDK stops in silence
//! where a page leads to itself, as if it were the last, and follows a cycle of pages for ever.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::InvalidResponse;
use super::xml::Document;

/// More than any account needs: 100,000 parameters, fifty a page.
const LIMIT: usize = 2000;

/// As elements and parameters of requests in XML services. Route 53 is not among them: it goes on with names.
const TOKENS: [&str; 4] = ["nextToken", "NextToken", "NextMarker", "Marker"];

/// The tokens that were given out, each with the number of its page.
#[derive(Debug, Default)]
pub(super) struct Pages(Mutex<HashMap<(String, String), usize>>);

impl Pages {
    /// From the page that was asked for (`None`: the first) to the next.
    ///
    /// # Errors
    /// There is no end to it.
    pub fn turn(&self, operation: &str, page: Option<&str>, next: Option<&str>) -> Result<(), InvalidResponse> {
        let Some(next) = next else { return Ok(()) };
        if page == Some(next) {
            return Err(InvalidResponse::PageOfItself);
        }
        let key = |token: &str| (operation.to_owned(), token.to_owned());
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = page.and_then(|page| numbers.get(&key(page))).map_or(1, |number| *number);
        if number >= LIMIT {
            return Err(InvalidResponse::TooManyPages { read: LIMIT });
        }
        numbers.insert(key(next), number + 1);
        Ok(())
    }
}

/// The token in a request.
pub(super) fn asked_for(body: &[u8], json: bool) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    if json {
        return serde_json::from_str::<Answer>(body).ok()?.next();
    }
    let mut parameters = body.split('&').filter_map(|parameter| parameter.split_once('='));
    let (_, token) = parameters.find(|(name, _)| TOKENS.contains(name))?;
    decoded(token)
}

/// The token in an answer.
pub(super) fn next(document: &Document<'_>) -> Option<String> {
    document.text_of(&TOKENS).map(str::to_owned)
}

/// Of a JSON object what matters here. The rest is read, and must be right, too.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(rename = "nextToken")]
    next: Option<String>,
    #[serde(rename = "NextToken")]
    next_capital: Option<String>,
    #[serde(rename = "PaginationToken")]
    next_tagged: Option<String>,
    #[serde(rename = "__type")]
    sort: Option<IgnoredAny>,
    code: Option<IgnoredAny>,
    #[serde(rename = "Code")]
    code_capital: Option<IgnoredAny>,
}

impl Answer {
    /// The token of the page that this asks for, or leads to.
    pub fn next(self) -> Option<String> {
        let tokens = [self.next, self.next_capital, self.next_tagged];
        tokens.into_iter().flatten().find(|token| !token.is_empty())
    }

    /// Whether it says which error it is.
    pub fn has_code(&self) -> bool {
        [&self.sort, &self.code, &self.code_capital].iter().any(|code| code.is_some())
    }
}

/// A value of a form.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_that_was_asked_for() {
        for (body, json, token) in [
            (&b"Action=DescribeVpcs&NextToken=a%2Bb%3D%3D&Version=2016-11-15"[..], false, Some("a+b==")),
            (b"Action=DescribeRules&Marker=next", false, Some("next")),
            (b"Action=DescribeVpcs", false, None),
            (br#"{"Path": "/a", "NextToken": "next"}"#, true, Some("next")),
            (br#"{"nextToken": "next", "code": 7}"#, true, Some("next")),
            (br#"{"PaginationToken": "", "TagFilters": []}"#, true, None),
            (b"{}", true, None),
        ] {
            assert_eq!(asked_for(body, json).as_deref(), token, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn pages_that_lead_on_and_end() {
        let pages = Pages::default();
        for _ in 0..2 * LIMIT {
            for (page, next) in [(None, Some("a")), (Some("a"), Some("b")), (Some("b"), None)] {
                assert_eq!(pages.turn("DescribeVpcs", page, next), Ok(()));
            }
        }
    }

    #[test]
    fn a_page_that_leads_to_itself() {
        let pages = Pages::default();
        assert_eq!(pages.turn("DescribeVpcs", None, Some("a")), Ok(()));
        assert_eq!(pages.turn("DescribeVpcs", Some("a"), Some("a")), Err(InvalidResponse::PageOfItself));
    }

    #[test]
    fn pages_that_go_in_a_circle_end_at_the_limit() {
        let pages = Pages::default();
        let mut page: Option<String> = None;
        for read in 1.. {
            let next = if page.as_deref() == Some("a") { "b" } else { "a" };
            match pages.turn("DescribeVpcs", page.as_deref(), Some(next)) {
                Ok(()) => page = Some(next.to_owned()),
                Err(error) => {
                    assert_eq!((read, &error), (LIMIT, &InvalidResponse::TooManyPages { read: LIMIT }));
                    assert_eq!(error.to_string(), "pagination does not end: 2000 pages were read");
                    return;
                }
            }
        }
    }
}
