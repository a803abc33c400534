//! A plan as a comment on a pull request: GitHub's Markdown, most dangerous first, and no longer than asked.

use std::fmt::Write;

use super::refused::{approvals, refusals};
use super::rows::{Content, Mark, Row, inline, rows};
use super::view::{self, ORIGINS, REFUSED, UNMANAGED, by_danger, danger, duration, needs_reason};
use super::{Beside, Links, traffic};
use crate::checks::traffic::Line as TrafficLine;
use crate::kinds::Impact;
use crate::plan::{Action, Change, Origin, Plan, Source, unmanaged_lines};
use crate::value::{one_line, sanitize};

/// Bytes kept free for the words that say what was cut.
const NOTICE: usize = 400;

/// A plan in Markdown, in `limit` bytes at most. What does not fit is left out from the least dangerous end,
/// details before whole changes, and counted. Lines of the spec are linked where they are to be seen.
pub fn markdown(plan: &Plan, beside: &Beside, links: &Links, limit: Option<usize>) -> String {
    let entries: Vec<Entry> = by_danger(plan).into_iter().map(|(_, change)| Entry::of(change, links)).collect();
    let extras = extras(plan, beside);
    let top = top(plan, limit);
    let cut = match limit {
        Some(limit) => Cut::to_fit(limit, top.len(), plan.destroy, &entries, &extras),
        None => Cut::nothing(&entries, &extras),
    };
    let mut out = top;
    out += &cut.notice(&entries, limit);
    let shown = |early: bool| {
        let shown = extras.iter().zip(&cut.extras).filter(|(_, shown)| **shown).map(|(extra, _)| extra);
        let texts = shown.filter(move |extra| (extra.place == Place::BeforeChanges) == early);
        texts.map(|extra| extra.text.as_str()).collect::<String>()
    };
    out += &shown(true);
    for origin in ORIGINS {
        let shown = entries.iter().zip(&cut.entries).filter(|(entry, _)| entry.origin == origin);
        let shown: Vec<&str> = shown.filter_map(|(entry, level)| entry.at(*level)).collect();
        if !shown.is_empty() {
            out += &heading(origin, plan.destroy);
            shown.into_iter().for_each(|text| out += text);
        }
    }
    out += &shown(false);
    out
}

/// The changes of a plan by origin, the most dangerous first, and nothing else of it.
pub fn changes(plan: &Plan, links: &Links) -> String {
    let entries: Vec<Entry> = by_danger(plan).into_iter().map(|(_, change)| Entry::of(change, links)).collect();
    let of_origin = |origin: &Origin| {
        let own = entries.iter().filter(|entry| entry.origin == *origin);
        let texts: String = own.filter_map(|entry| entry.at(Level::Full)).collect();
        if texts.is_empty() { String::new() } else { heading(*origin, plan.destroy) + &texts }
    };
    ORIGINS.iter().map(of_origin).collect()
}

/// What a bot finds its comment by comes first, then what everybody must see.
fn top(plan: &Plan, limit: Option<usize>) -> String {
    let mut out =
        format!("<!-- baseplate:plan {}/{} {} -->\n", html(&plan.project), html(&plan.environment), plan.hash());
    let _ = writeln!(out, "### {}", text(&view::title(plan)));
    let _ = writeln!(out, "\nAccount {}, {}\n", code(&plan.account), code(&plan.region));
    let _ = write!(out, "**{}**", text(&view::counts(plan)));
    if !plan.is_empty() {
        let _ = write!(out, " Takes about {} on AWS.", duration(plan.seconds));
    }
    out.push('\n');
    out += &refused(plan, limit);
    let warnings = view::warnings(plan);
    if !warnings.is_empty() {
        let lost = plan.changes.iter().any(|change| change.impact == Impact::DataLoss);
        let _ = write!(out, "\n> [!{}]\n> {}.\n", if lost { "CAUTION" } else { "WARNING" }, warnings.join(", "));
    }
    out
}

/// What keeps the plan from being applied; at most in half of the room.
fn refused(plan: &Plan, limit: Option<usize>) -> String {
    if plan.refused.is_empty() {
        return String::new();
    }
    let mut out = format!("\n> [!CAUTION]\n> {REFUSED}:\n");
    let lines: Vec<String> = refusals(plan).iter().map(|line| format!("> - {}\n", text(line))).collect();
    let mut room = limit.map_or(usize::MAX, |limit| limit / 2);
    let fits = |line: &&String| {
        room = room.saturating_sub(line.len());
        room > 0
    };
    let shown: Vec<&String> = lines.iter().take_while(fits).collect();
    shown.iter().for_each(|line| out += line);
    if shown.len() < lines.len() {
        let _ = writeln!(out, "> - and {} more", lines.len() - shown.len());
    }
    out
}

fn heading(origin: Origin, destroy: bool) -> String {
    format!("\n#### {}\n\n", view::heading(origin, destroy))
}

/// One change, in short and in full.
struct Entry {
    origin: Origin,
    action: Action,
    head: String,
    /// `None` where there is no more to say.
    full: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Nothing,
    Head,
    Full,
}

impl Entry {
    fn of(change: &Change, links: &Links) -> Self {
        let mut said = vec![change.action.verb().to_owned(), change.impact.to_string()];
        if let Some(from) = &change.moved_from {
            said.push(format!("moved from {}", html(&from.to_string())));
        }
        if change.guarded {
            said.push("requires approval".to_owned());
        }
        said.push(duration(change.seconds));
        let said = said.join(" · ");
        let (mark, address) = (change.action.mark(), change.address.to_string());
        let bold = danger(change) < view::HARMLESS;
        let said = if bold { format!("<b>{said}</b>") } else { said };
        // Within a summary nothing is Markdown.
        let (place, raw) = match &change.source {
            Some(source) => {
                (format!(" · {}", linked(source, links, text)), format!(" · {}", linked(source, links, html)))
            }
            None => Default::default(),
        };
        let rows = rows(change);
        // A list begins with `+` and `-`, too: the mark stands in code.
        let dangers: String =
            change.dangers.iter().map(|danger| format!("**Now: {}**\n\n", text(danger))).collect();
        let head = format!("- `{mark}` {} {said}{place}\n", code(&address));
        let full = (!rows.is_empty()).then(|| {
            let open = if danger(change) <= 1 || !change.dangers.is_empty() { " open" } else { "" };
            let summary = format!("<code>{mark} {}</code> {said}{raw}", html(&address));
            let reason = if needs_reason(change) && change.action != Action::Update {
                format!("{}\n\n", text(&change.reason))
            } else {
                String::new()
            };
            let diff = fenced(&rows);
            format!("<details{open}><summary>{summary}</summary>\n\n{dangers}{reason}{diff}\n</details>\n\n")
        });
        Self { origin: change.origin, action: change.action, head, full }
    }

    fn at(&self, level: Level) -> Option<&str> {
        match level {
            Level::Nothing => None,
            Level::Head => Some(&self.head),
            Level::Full => Some(self.full.as_ref().unwrap_or(&self.head)),
        }
    }
}

/// What is said beside the changes.
struct Extra {
    text: String,
    place: Place,
}

/// Where it stands, and so how long it is kept when something has to go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    BeforeChanges,
    AfterChanges,
    Folded,
}

/// A section of lines; nothing where there are none.
pub fn list(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines: String = lines.iter().map(|line| format!("- {}\n", code(line))).collect();
    format!("\n#### {title}\n\n{lines}")
}

fn extras(plan: &Plan, beside: &Beside) -> Vec<Extra> {
    let listed = |title: &str, place: Place, lines: &[String]| {
        (!lines.is_empty()).then(|| Extra { text: list(title, lines), place })
    };
    let kept: Vec<String> =
        plan.kept.iter().map(|address| format!("{address} is shared by the project's environments")).collect();
    let left: String = plan
        .left_to_aws
        .iter()
        .map(|left| format!("- {}\n", code(&format!("{} {}: {}", left.address, left.path, inline(&left.value)))))
        .collect();
    let left = (!left.is_empty()).then(|| Extra {
        text: format!(
            "\n<details><summary>Left to AWS ({}): not set in the spec, so never a difference</summary>\n\n\
             {left}\n</details>\n",
            plan.left_to_aws.len()
        ),
        place: Place::Folded,
    });
    let moves: Vec<String> =
        beside.traffic.iter().flat_map(|change| change.lines.iter().map(TrafficLine::marked)).collect();
    let drawn = beside.traffic.as_ref().and_then(|change| traffic::drawn(&change.traffic));
    let drawing = drawn.map(|drawn| Extra {
        text: format!(
            "\n<details><summary>Who may reach whom, and what changes</summary>\n\n```mermaid\n{}```\n\n</details>\n",
            traffic::mermaid(&drawn)
        ),
        place: Place::Folded,
    });
    [
        listed("Requires approval", Place::BeforeChanges, &approvals(plan)),
        listed(view::NEEDS, Place::BeforeChanges, &beside.needs_lines()),
        listed("Preflight", Place::BeforeChanges, &beside.preflight_lines()),
        listed("Warnings", Place::BeforeChanges, &beside.lines()),
        listed("Traffic", Place::BeforeChanges, &moves),
        listed(UNMANAGED, Place::AfterChanges, &unmanaged_lines(&plan.unmanaged)),
        listed("Scheduled by AWS", Place::AfterChanges, &plan.scheduled),
        listed("Kept", Place::AfterChanges, &kept),
        listed("Notes", Place::AfterChanges, &plan.notes),
        drawing,
        left,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Bytes that are left.
struct Room(usize);

impl Room {
    /// Whether so many fit; then they are gone.
    fn take(&mut self, bytes: usize) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// What is shown of each entry and extra.
struct Cut {
    entries: Vec<Level>,
    extras: Vec<bool>,
}

impl Cut {
    fn nothing(entries: &[Entry], extras: &[Extra]) -> Self {
        Self { entries: vec![Level::Full; entries.len()], extras: vec![true; extras.len()] }
    }

    /// Every change gets its line before any gets its details, and both in order of danger.
    fn to_fit(limit: usize, top: usize, destroy: bool, entries: &[Entry], extras: &[Extra]) -> Self {
        let sections = ORIGINS.iter().filter(|origin| entries.iter().any(|entry| entry.origin == **origin));
        let fixed = top + sections.map(|origin| heading(*origin, destroy).len()).sum::<usize>();
        let size = |entry: &Entry| entry.at(Level::Full).map_or(0, str::len);
        let whole: usize =
            entries.iter().map(size).sum::<usize>() + extras.iter().map(|it| it.text.len()).sum::<usize>();
        if fixed + whole <= limit {
            return Self::nothing(entries, extras);
        }
        let mut room = Room(limit.saturating_sub(fixed + NOTICE));
        let mut cut = Self { entries: vec![Level::Nothing; entries.len()], extras: vec![false; extras.len()] };
        cut.take_extras(extras, Place::BeforeChanges, &mut room);
        // Nothing less dangerous is shown once something more dangerous is not.
        for (level, _) in cut.entries.iter_mut().zip(entries).take_while(|(_, entry)| room.take(entry.head.len())) {
            *level = Level::Head;
        }
        cut.take_extras(extras, Place::AfterChanges, &mut room);
        for (level, entry) in cut.entries.iter_mut().zip(entries).filter(|(level, _)| **level == Level::Head) {
            // The line is there already, and gives its place to the whole.
            if room.take(size(entry).saturating_sub(entry.head.len())) {
                *level = Level::Full;
            }
        }
        cut.take_extras(extras, Place::Folded, &mut room);
        cut
    }

    fn take_extras(&mut self, extras: &[Extra], place: Place, room: &mut Room) {
        for (shown, extra) in self.extras.iter_mut().zip(extras).filter(|(_, extra)| extra.place == place) {
            *shown = room.take(extra.text.len());
        }
    }

    fn notice(&self, entries: &[Entry], limit: Option<usize>) -> String {
        let hidden = |action: Action| {
            let all = entries.iter().zip(&self.entries);
            all.filter(|(entry, level)| entry.action == action && **level == Level::Nothing).count()
        };
        let hidden: Vec<(Action, usize)> = Action::ALL
            .into_iter()
            .map(|action| (action, hidden(action)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let total: usize = hidden.iter().map(|(_, count)| count).sum();
        let short = self.entries.iter().filter(|level| **level == Level::Head).count();
        let sections = self.extras.iter().filter(|shown| !**shown).count();
        let mut said = Vec::new();
        if total > 0 {
            let kinds: Vec<String> =
                hidden.iter().map(|(action, count)| format!("{count} to {}", action.verb())).collect();
            said.push(format!(
                "{total} of {} changes are not shown, the least dangerous ({})",
                entries.len(),
                kinds.join(", ")
            ));
        }
        if short > 0 {
            said.push(format!("{short} without details"));
        }
        if sections > 0 {
            said.push(format!("{sections} of {} further sections left out", self.extras.len()));
        }
        match (said.is_empty(), limit) {
            (false, Some(limit)) => {
                format!("\n**Cut to {limit} bytes:** {}. `baseplate plan` shows everything.\n", said.join("; "))
            }
            _ => String::new(),
        }
    }
}

/// The rows as a diff. The fence is longer than any run of backticks inside.
fn fenced(rows: &[Row<'_>]) -> String {
    let mut body = String::new();
    for row in rows {
        let path = one_line(row.path);
        let place = row.place.as_deref().map(one_line);
        let notes: Vec<&str> = row.notes.iter().copied().chain(place.as_deref()).collect();
        let notes = if notes.is_empty() { String::new() } else { format!("  # {}", notes.join(", ")) };
        let _ = match &row.content {
            Content::Values(None, None) => Ok(()),
            Content::Values(Some(before), None) => writeln!(body, "- {path}: {before}{notes}"),
            Content::Values(None, Some(after)) => writeln!(body, "+ {path}: {after}{notes}"),
            Content::Values(Some(before), Some(after)) => {
                writeln!(body, "- {path}: {before}\n+ {path}: {after}{notes}")
            }
            Content::Secret => writeln!(body, "! {path}: (sensitive value){notes}"),
            Content::Another(value) => writeln!(body, "! {path}: {value}{notes}"),
            Content::Lines(lines) => writeln!(body, "  {path}:{notes}").and_then(|()| {
                lines.iter().try_for_each(|(mark, line)| {
                    let mark = match mark {
                        Mark::Gone => '-',
                        Mark::Come => '+',
                        Mark::Same => ' ',
                    };
                    writeln!(body, "{mark}   {line}")
                })
            }),
        };
    }
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}diff\n{body}{fence}\n")
}

/// A line of the spec. `words` makes them of text.
fn linked(source: &Source, links: &Links, words: fn(&str) -> String) -> String {
    let said = words(&one_line(&source.to_string()));
    match links.line(source) {
        Some(address) => format!("<a href=\"{}\">{said}</a>", html(&address).replace('"', "&quot;")),
        None => said,
    }
}

/// Text from outside as code, in which nothing is markup and nobody is notified.
fn code(text: &str) -> String {
    format!("`{}`", sanitize(text).replace('`', "'").replace(['\n', '\t'], " "))
}

/// Words of our own with a name inside: nothing in them is markup.
pub fn text(text: &str) -> String {
    let mut out = String::new();
    for c in html(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' | '#' | '@' | '!') {
            out.push('\\');
        }
        out.push(if c == '\n' { ' ' } else { c });
    }
    out
}

fn html(text: &str) -> String {
    sanitize(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
