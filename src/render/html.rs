//! A plan as one page that needs nothing else: for a browser, a phone or paper. How it reads stands in `page.html`,
//! `change.html` and `picture.svg`; here is what they show.

mod escape;
mod layout;
mod picture;
#[cfg(test)]
mod tests;
mod traffic;

use askama::Template;
use base64::prelude::{BASE64_STANDARD, Engine};
use sha2::{Digest, Sha256};

use self::layout::{HEIGHT, WIDTH};
use self::picture::Picture;
use self::traffic::Drawing;
use super::Beside;
use super::refused::{approvals, refusals};
use super::rows::{self, Content, Mark, Row};
use super::traffic as reach;
use super::view::{self, ORIGINS, REFUSED, UNMANAGED, by_danger};
use crate::checks::traffic::Line;
use crate::kinds::Impact;
use crate::plan::{Action, Change, Origin, Plan, unmanaged_lines};

pub use self::traffic::svg as traffic_svg;

const STYLE: &str = concat!(include_str!("html/page.css"), include_str!("html/traffic.css"));
const SCRIPT: &str = include_str!("html/page.js");

/// A whole HTML document. It loads nothing; no script but its own runs in it, whatever a name may hold.
pub fn html(plan: &Plan, beside: &Beside) -> String {
    // A template leaves out the last line end of its file.
    format!("{}\n", Page::of(plan, beside))
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    plan: &'a Plan,
    title: String,
    /// SHA-256, in hex.
    hash: String,
    /// SHA-256 of the script, in Base64, as a content security policy has it.
    script_hash: String,
    duration: String,
    /// The actions that the plan has, with the number of their changes.
    counts: Vec<(Action, usize)>,
    /// What keeps it from being applied, and which options it requires, for what.
    refused: Vec<String>,
    approvals: Vec<String>,
    /// The dangers of the changes.
    warnings: Vec<String>,
    /// What the checks say of the spec.
    checks: Vec<String>,
    /// What changes in who may reach whom, in words, and the drawing of it.
    traffic: Vec<String>,
    drawing: Option<Drawing>,
    /// What AWS answered before an apply.
    needs: Vec<String>,
    preflight: Vec<String>,
    loses_data: bool,
    picture: Picture<'a>,
    sections: Vec<Section<'a>>,
    kept: Vec<String>,
    unmanaged: Vec<String>,
}

impl<'a> Page<'a> {
    fn of(plan: &'a Plan, beside: &Beside) -> Self {
        let traffic: Vec<String> =
            beside.traffic.iter().flat_map(|change| change.lines.iter().map(Line::marked)).collect();
        let drawn = beside.traffic.as_ref().and_then(|change| reach::drawn(&change.traffic));
        Self {
            drawing: drawn.map(|drawn| Drawing::of(&drawn, &traffic, false)),
            traffic,
            plan,
            checks: beside.lines(),
            needs: beside.needs_lines(),
            preflight: beside.preflight_lines(),
            title: view::title(plan),
            hash: plan.hash(),
            script_hash: BASE64_STANDARD.encode(Sha256::digest(SCRIPT)),
            duration: view::duration(plan.seconds),
            counts: plan.counts().into_iter().filter(|(_, count)| *count > 0).collect(),
            refused: refusals(plan),
            approvals: approvals(plan),
            warnings: view::warnings(plan),
            loses_data: plan.changes.iter().any(|change| change.impact == Impact::DataLoss),
            picture: Picture::of(plan),
            sections: sections(plan),
            kept: plan.kept.iter().map(|it| format!("{it} is shared by the project's environments")).collect(),
            unmanaged: unmanaged_lines(&plan.unmanaged),
        }
    }
}

/// The changes that come from one origin, most dangerous first.
struct Section<'a> {
    title: &'static str,
    /// With their places in the plan.
    changes: Vec<(usize, &'a Change)>,
}

fn sections(plan: &Plan) -> Vec<Section<'_>> {
    let ordered = by_danger(plan);
    let section = |origin: Origin| Section {
        title: view::heading(origin, plan.destroy),
        changes: ordered.iter().copied().filter(|(_, change)| change.origin == origin).collect(),
    };
    ORIGINS.into_iter().map(section).filter(|section| !section.changes.is_empty()).collect()
}

impl<'a> Section<'a> {
    /// One after the other: the rows of all changes of a large plan would fill the memory.
    fn entries(&self) -> impl Iterator<Item = Entry<'a>> {
        self.changes.iter().map(|(index, change)| Entry {
            index: *index,
            change,
            danger: view::danger(change),
            duration: view::duration(change.seconds),
            explained: view::needs_reason(change),
            rows: rows::rows(change),
        })
    }
}

/// A change with all that is said of it.
struct Entry<'a> {
    /// The place of the change in the plan.
    index: usize,
    change: &'a Change,
    danger: u8,
    duration: String,
    /// Whether its reason is told.
    explained: bool,
    rows: Vec<Row<'a>>,
}
