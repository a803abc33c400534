//! Whether a text is one whole XML document, as far as that shows in its tags. AWS's own parser reads as far as it
//! needs to, and believes what is cut off there.

/// A document that is complete.
#[derive(Debug, PartialEq)]
pub struct Document<'a> {
    /// The name of its root element.
    pub root: &'a str,
    /// The texts of all elements near the root that hold only text, in the order of their ends.
    leaves: Vec<(&'a str, &'a str)>,
}

impl<'a> Document<'a> {
    /// The texts of all elements of this name.
    pub fn texts_of(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.leaves.iter().filter(move |(leaf, _)| *leaf == name).map(|(_, text)| *text)
    }

    /// The text of the first of these elements that is there and not empty.
    pub fn text_of(&self, names: &[&str]) -> Option<&'a str> {
        self.leaves.iter().find(|(name, text)| names.contains(name) && !text.is_empty()).map(|(_, text)| *text)
    }
}

/// Text as it was before it was put into a document.
pub fn unescaped(text: &str) -> String {
    let signs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")];
    signs.iter().fold(text.to_owned(), |text, (escaped, sign)| text.replace(escaped, sign))
}

/// Root, result, member: deeper stand the objects that an answer lists.
const NEAR: usize = 3;

/// What is wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    #[error("text stands outside of its root")]
    TextOutside,
    #[error("it ends within a tag")]
    EndsInTag,
    #[error("it ends before its last tag is closed")]
    NotClosed,
    #[error("a tag closes what none opened")]
    NotOpened,
    #[error("its tags do not match")]
    Mismatch,
    #[error("it has a tag without a name")]
    NoName,
    #[error("it has two roots")]
    TwoRoots,
    #[error("it holds no element")]
    NoElement,
    /// A document type.
    #[error("it is of a type that AWS does not send")]
    ForeignType,
}

/// Reads a document to its end.
///
/// # Errors
/// It is cut off, or malformed.
pub fn read(text: &str) -> Result<Document<'_>, XmlError> {
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut open: Vec<(&str, &str)> = Vec::new();
    let mut document: Option<Document<'_>> = None;
    while let Some(at) = rest.find('<') {
        let (before, markup) = rest.split_at(at);
        if open.is_empty() && !before.trim().is_empty() {
            return Err(XmlError::TextOutside);
        }
        if let Some((_, after)) = skipped(markup, open.is_empty())? {
            rest = after;
            continue;
        }
        let end = end_of_tag(markup).ok_or(XmlError::EndsInTag)?;
        let (tag, after) = (&markup[1..end], &markup[end + 1..]);
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            let (opened, content) = open.pop().ok_or(XmlError::NotOpened)?;
            if opened != name.trim_end() {
                return Err(XmlError::Mismatch);
            }
            if let Some(document) = document.as_mut().filter(|_| open.len() < NEAR) {
                let content = &content[..content.len() - markup.len()];
                if !content.contains('<') {
                    document.leaves.push((opened, content.trim()));
                }
            }
            continue;
        }
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return Err(XmlError::NoName);
        }
        if open.is_empty() {
            if document.is_some() {
                return Err(XmlError::TwoRoots);
            }
            document = Some(Document { root: name, leaves: Vec::new() });
        }
        if !tag.ends_with('/') {
            open.push((name, after));
        }
    }
    if !open.is_empty() {
        return Err(XmlError::NotClosed);
    }
    if !rest.trim().is_empty() {
        return Err(XmlError::TextOutside);
    }
    document.ok_or(XmlError::NoElement)
}

/// A declaration, a comment or quoted text at the beginning, and what comes after it.
fn skipped(markup: &str, outside: bool) -> Result<Option<(&str, &str)>, XmlError> {
    let kinds = [("<?", "?>"), ("<!--", "-->"), ("<![CDATA[", "]]>")];
    let Some((begin, end)) = kinds.iter().find(|(begin, _)| markup.starts_with(begin)) else {
        // AWS sends no document type; web pages begin with one.
        return if markup.starts_with("<!") { Err(XmlError::ForeignType) } else { Ok(None) };
    };
    if outside && *begin == "<![CDATA[" {
        return Err(XmlError::TextOutside);
    }
    markup[begin.len()..].split_once(end).map(Some).ok_or(XmlError::EndsInTag)
}

/// Where the tag at the beginning ends: a `>` in an attribute's quotes does not end it.
fn end_of_tag(markup: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in markup.bytes().enumerate().skip(1) {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'<') => return None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- made up -->
<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/" note='a > b'>
    <requestId>0a1b</requestId>
    <vpcSet><item><vpcId>vpc-1</vpcId><empty/><nextToken>deep</nextToken></item></vpcSet>
    <note><![CDATA[</vpcSet>]]></note>
    <nextToken> abc== </nextToken>
</DescribeVpcsResponse>
"#;

    #[test]
    fn a_whole_document() {
        let document = read(WHOLE).expect("a document");
        assert_eq!(document.root, "DescribeVpcsResponse");
        assert_eq!(document.text_of(&["nextToken", "Marker"]), Some("abc=="));
        assert_eq!(document.text_of(&["Marker"]), None);
        assert_eq!(read("<a/>").map(|document| document.root), Ok("a"));
        let empty = read("<a><nextToken></nextToken><nextToken/></a>").expect("a document");
        assert_eq!(empty.text_of(&["nextToken"]), None);
    }

    #[test]
    fn a_document_that_is_cut_anywhere_is_none() {
        let whole = WHOLE.trim_end();
        for end in 0..whole.len() {
            let cut = read(&whole[..end]);
            assert!(cut.is_err(), "{cut:?}: {}", &whole[..end]);
        }
    }

    #[test]
    fn what_is_no_document() {
        for (text, error) in [
            ("", XmlError::NoElement),
            ("  ", XmlError::NoElement),
            ("OK", XmlError::TextOutside),
            ("{}", XmlError::TextOutside),
            ("<a></b>", XmlError::Mismatch),
            ("<a></a><b></b>", XmlError::TwoRoots),
            ("</a>", XmlError::NotOpened),
            ("<a></a>x", XmlError::TextOutside),
            ("<a><b></b>", XmlError::NotClosed),
            ("<>", XmlError::NoName),
            ("< a></a>", XmlError::NoName),
            ("<a <b></b></a>", XmlError::EndsInTag),
            ("<!DOCTYPE html><html></html>", XmlError::ForeignType),
            ("<a/><![CDATA[x]]>", XmlError::TextOutside),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }
}
