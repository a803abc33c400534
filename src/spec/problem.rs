use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::place::{Place, Source, line_column};
use crate::value::{one_line, prefix_lines, sanitize};

/// One thing that is wrong with a spec, where it stands, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    pub message: String,
    pub help: String,
    pub severity: Severity,
    /// The code of the rule that it breaks, or of the check that found it, where that has one.
    pub code: Option<&'static str>,
    /// Keys and indices that lead to it, when the place is not known yet.
    pub path: Vec<String>,
    /// The part of the value to underline, where it is not all of it.
    pub part: Option<String>,
    /// Whether it is the key at the end of the path that is wrong, and not its value.
    pub of_key: bool,
    pub place: Option<Place>,
}

impl Problem {
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: shortened(message.into()),
            help: shortened(help.into()),
            severity: Severity::Error,
            code: None,
            path: Vec::new(),
            part: None,
            of_key: false,
            place: None,
        }
    }

    pub fn at(path: &[&str], message: impl Into<String>, help: impl Into<String>) -> Self {
        let path = path.iter().map(|&step| step.to_owned()).collect();
        Self { path, ..Self::new(message, help) }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It keeps the spec from being planned.
    #[default]
    Error,
    Warning,
}

/// A problem as JSON has it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Reported {
    pub severity: Severity,
    /// The code of a rule or check; `null` for what has none.
    pub code: Option<&'static str>,
    pub message: String,
    /// What to do.
    pub help: String,
    /// `null` where it stands nowhere.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<usize>,
    pub column: Option<usize>,
}

/// All that is wrong with one spec, or with several.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    pub sources: Vec<Source>,
    /// The first ones of each spec, in the order of their places.
    pub list: Vec<Problem>,
    /// How many there are besides.
    pub unlisted: usize,
}

/// Of more problems, a person wants to see the first ones and how many there are.
pub(super) const MOST: usize = 100;

impl Problems {
    /// In the order of their places, and no more of them than somebody will read.
    pub fn new(sources: Vec<Source>, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| {
            problem.place.as_ref().map(|place| (place.file, place.span.start)).unwrap_or_default()
        });
        let unlisted = list.len().saturating_sub(MOST);
        list.truncate(MOST);
        Self { sources, list, unlisted }
    }

    pub fn count(&self) -> usize {
        self.list.len() + self.unlisted
    }

    /// Takes in the problems of another spec, but for those of a file that both extend.
    pub fn append(&mut self, other: Self) {
        let shift = self.sources.len();
        self.sources.extend(other.sources);
        for mut problem in other.list {
            if let Some(place) = &mut problem.place {
                place.file += shift;
            }
            if !self.has(&problem) {
                self.list.push(problem);
            }
        }
        self.unlisted += other.unlisted;
    }

    fn has(&self, problem: &Problem) -> bool {
        let Some(place) = &problem.place else { return false };
        let source = &self.sources[place.file];
        self.list.iter().filter(|known| known.message == problem.message).any(|known| {
            known.place.as_ref().is_some_and(|known| {
                let Source { name, text } = &self.sources[known.file];
                known.span == place.span && *name == source.name && *text == source.text
            })
        })
    }

    /// What stands for those that are not listed.
    fn rest(&self) -> Option<Problem> {
        let message = || format!("and {} more like these", self.unlisted);
        (self.unlisted > 0).then(|| Problem::new(message(), "correct the first ones, and check again"))
    }

    /// For people: each problem with its line underlined.
    pub fn render(&self, color: bool) -> String {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(110);
        let texts: Vec<Arc<String>> = self.sources.iter().map(|source| Arc::new(shown(&source.text))).collect();
        let mut out = String::new();
        for problem in self.list.iter().chain(&self.rest()) {
            let mut message = sanitize(&problem.message).into_owned();
            let source = problem.place.as_ref().and_then(|place| {
                let Source { name, text } = &self.sources[place.file];
                if lines_around(text, place) <= SHOWN {
                    return Some(NamedSource::new(one_line(name), texts[place.file].clone()));
                }
                let (line, column) = line_column(text, place.span.start);
                message += &format!(" ({}:{line}:{column})", one_line(name));
                None
            });
            let place = problem.place.as_ref().map(|place| {
                let (text, shown) = (&self.sources[place.file].text, &texts[place.file]);
                if shown.len() > text.len() { as_shown(text, place) } else { place.clone() }
            });
            // Lines of the message get a mark from the theme.
            let problem = Problem { message, help: prefix_lines(&problem.help, ""), place, ..problem.clone() };
            // Rendering into a string cannot fail but for a span outside its text, which then goes without.
            if handler.render_report(&mut out, &Located { problem: &problem, source }).is_err() {
                out.push_str(&problem.message);
            }
            out.push('\n');
        }
        out
    }

    /// For machines: each with its place.
    pub fn json(&self) -> serde_json::Value {
        let all: Vec<Reported> =
            self.list.iter().chain(&self.rest()).map(|problem| problem.reported(&self.sources)).collect();
        serde_json::to_value(all).unwrap_or_default()
    }
}

impl Problem {
    /// Whether it is of a value that another place is a part of.
    pub(super) fn holds(&self, part: &Place) -> bool {
        let holds = |place: &Place| {
            place.file == part.file && place.span.start <= part.span.start && part.span.end <= place.span.end
        };
        self.place.as_ref().is_some_and(holds)
    }

    /// As JSON has it. `sources` are those of its spec.
    pub fn reported(&self, sources: &[Source]) -> Reported {
        let place = self.place.as_ref();
        let position = place.map(|place| line_column(&sources[place.file].text, place.span.start));
        Reported {
            severity: self.severity,
            code: self.code,
            message: self.message.clone(),
            help: self.help.clone(),
            file: place.map(|place| sources[place.file].name.clone()),
            line: position.map(|position| position.0),
            column: position.map(|position| position.1),
        }
    }
}

/// Keys for a person to choose from, as far as somebody reads them.
pub fn listed<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 20;
    let keys: Vec<&str> = keys.into_iter().collect();
    match keys.len().checked_sub(MOST) {
        None | Some(0) => keys.join(", "),
        Some(more) => format!("{} and {more} more", keys[..MOST].join(", ")),
    }
}

/// What there is to choose from, for a help text.
pub fn one_of<'a, N: AsRef<str> + ?Sized + 'a>(what: &str, names: impl Iterator<Item = &'a N>) -> String {
    let mut names = names.map(AsRef::as_ref).peekable();
    match names.peek() {
        None => format!("the spec has no {what}"),
        Some(_) => format!("{what} are: {}", listed(names)),
    }
}

/// Lines longer than this are not shown around a problem. In bytes.
const SHOWN: usize = 2000;

/// The length of what is shown around a place: its lines, and one before and one after.
fn lines_around(text: &str, place: &Place) -> usize {
    let (before, after) = (text.get(..place.span.start), text.get(place.span.end..));
    let before = before.unwrap_or(text).rsplit('\n').take(2).map(str::len).sum::<usize>();
    let after = after.unwrap_or(text).split('\n').take(2).map(str::len).sum::<usize>();
    before + place.span.len() + after
}

/// A message of which all is read: it may quote a value of any length.
fn shortened(mut text: String) -> String {
    const MOST: usize = 600;
    if let Some((end, _)) = text.char_indices().nth(MOST) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Text of a spec as it is shown. What ends its lines on Windows is no harm.
fn shown(text: &str) -> String {
    sanitize(&text.replace('\r', " ")).into_owned()
}

/// A place in the text as it is shown, which may be longer than what is written.
fn as_shown(text: &str, place: &Place) -> Place {
    let to = |end: usize| text.get(..end).map_or(0, |before| shown(before).len());
    Place { file: place.file, span: to(place.span.start)..to(place.span.end) }
}

#[derive(Debug)]
struct Located<'a> {
    problem: &'a Problem,
    source: Option<NamedSource<Arc<String>>>,
}

impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Located<'_> {}

impl Diagnostic for Located<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        if self.problem.help.is_empty() { None } else { Some(Box::new(&self.problem.help)) }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.problem.place.as_ref()?;
        let length = place.span.len().max(1);
        Some(Box::new(std::iter::once(LabeledSpan::new(None, place.span.start, length))))
    }
}
