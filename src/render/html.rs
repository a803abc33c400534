//! A plan as one page that needs nothing else: for a browser, a phone or paper.

mod escape;
mod layout;
mod picture;

use std::fmt::Write;

use base64::prelude::{BASE64_STANDARD, Engine};
use sha2::{Digest, Sha256};

use self::escape::escape;
use self::picture::picture;
use super::rows::{Content, Mark, Row, inline, rows};
use super::view::{self, ORIGINS, by_danger, danger, duration, needs_reason};
use crate::kinds::Impact;
use crate::plan::{Change, Plan};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// A whole HTML document. It loads nothing; no script but its own runs in it, whatever a name may hold.
pub fn html(plan: &Plan) -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(SCRIPT));
    let title = escape(&view::title(plan));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'sha256-{hash}'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    top(&mut out, plan);
    if !plan.is_empty() {
        tools(&mut out, plan);
        dependencies(&mut out, plan);
    }
    changes(&mut out, plan);
    let kept: Vec<String> =
        plan.kept.iter().map(|address| format!("{address} is shared by the project's environments")).collect();
    list(&mut out, "Scheduled by AWS", &plan.scheduled);
    list(&mut out, "Kept", &kept);
    list(&mut out, "Notes", &plan.notes);
    left_to_aws(&mut out, plan);
    let _ = writeln!(
        out,
        "<footer>Plan <code>{}</code><br>Spec <code>{}</code><br>Live <code>{}</code></footer>",
        plan.hash(),
        escape(&plan.spec_digest),
        escape(&plan.live_digest),
    );
    let _ = write!(out, "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n");
    out
}

fn top(out: &mut String, plan: &Plan) {
    let _ = writeln!(
        out,
        "<header><h1>{}</h1><p class=\"sub soft\">Account {}, {} · plan <code>{}</code></p></header>",
        escape(&view::title(plan)),
        escape(&plan.account),
        escape(&plan.region),
        plan.hash().chars().take(12).collect::<String>(),
    );
    if plan.is_empty() {
        let _ = writeln!(out, "<p><b>{}</b></p>", escape(&view::counts(plan)));
    } else {
        out.push_str("<ul class=\"tiles\">");
        for (action, count) in plan.counts().into_iter().filter(|(_, count)| *count > 0) {
            let _ = write!(out, "<li class=\"{0}\"><b>{count}</b><span>to {0}</span></li>", action.verb());
        }
        let _ = writeln!(
            out,
            "<li><b>{}</b><span>unchanged</span></li><li><b>{}</b><span>on AWS, about</span></li></ul>",
            plan.unchanged,
            duration(plan.seconds),
        );
    }
    let warnings = view::warnings(plan);
    if !warnings.is_empty() {
        let lost = plan.changes.iter().any(|change| change.impact == Impact::DataLoss);
        let class = if lost { "warn lost" } else { "warn" };
        let _ = writeln!(out, "<p class=\"{class}\"><b>Attention:</b> {}.</p>", escape(&warnings.join(", ")));
    }
    if !plan.missing.is_empty() {
        let options: Vec<String> =
            plan.missing.iter().map(|option| format!("<code>{}</code>", escape(option))).collect();
        let _ = writeln!(out, "<p class=\"warn lost\"><b>Requires approval:</b> {}</p>", options.join(" "));
    }
}

/// Search and filters; shown by the script, without which they would do nothing.
fn tools(out: &mut String, plan: &Plan) {
    out.push_str(
        "<div class=\"tools\" hidden><input id=\"search\" type=\"search\" placeholder=\"Search changes\" \
         aria-label=\"Search changes\">",
    );
    for (action, _) in plan.counts().into_iter().filter(|(_, count)| *count > 0) {
        let (verb, mark) = (action.verb(), action.mark());
        let _ = write!(
            out,
            "<button type=\"button\" data-only=\"{verb}\" aria-pressed=\"false\">{mark} {verb}</button>"
        );
    }
    out.push_str(
        "<button type=\"button\" data-fold=\"open\">Expand all</button>\
         <button type=\"button\" data-fold=\"\">Collapse all</button></div>\n",
    );
}

fn dependencies(out: &mut String, plan: &Plan) {
    let _ = write!(
        out,
        "<section><h2>Dependencies</h2>\n<div class=\"scroll\">\n{}</div>\n<p class=\"legend\">",
        picture(plan)
    );
    for (action, _) in plan.counts().into_iter().filter(|(_, count)| *count > 0) {
        let _ = write!(out, "<span class=\"{0}\"><b>{1}</b> {0}</span>", action.verb(), action.mark());
    }
    out.push_str(
        "<span>a line leads down to what depends on it (dashed: up); a thick frame marks an interruption or a \
         replacement</span></p></section>\n",
    );
}

fn changes(out: &mut String, plan: &Plan) {
    let ordered = by_danger(plan);
    for origin in ORIGINS {
        let own: Vec<(usize, &Change)> =
            ordered.iter().copied().filter(|(_, change)| change.origin == origin).collect();
        if own.is_empty() {
            continue;
        }
        let title = escape(view::heading(origin, plan.destroy));
        let _ =
            writeln!(out, "<section class=\"changes\"><h2>{title} <span class=\"soft\">{}</span></h2>", own.len());
        for (index, change) in own {
            one(out, index, change);
        }
        out.push_str("</section>\n");
    }
    if !plan.is_empty() {
        out.push_str("<p id=\"none\" class=\"soft\" hidden>No changes match the search.</p>\n");
    }
}

fn one(out: &mut String, index: usize, change: &Change) {
    let action = change.action.verb();
    let rows = rows(change);
    let explained = needs_reason(change);
    let bare = rows.is_empty() && !explained;
    let open = if danger(change) <= 1 { " open" } else { "" };
    let class = if bare { " bare" } else { "" };
    let _ = write!(
        out,
        "<details class=\"change {action}{class}\" id=\"c{index}\" data-action=\"{action}\"{open}><summary>\
         <span class=\"sign mono\">{}</span><span class=\"address mono\">{}</span>",
        change.action.mark(),
        escape(&change.address.to_string()),
    );
    let class = match danger(change) {
        0 => " lost",
        1..view::HARMLESS => "",
        _ => " mild",
    };
    let _ = write!(out, "<span class=\"badge{class}\">{}</span>", escape(&change.impact.to_string()));
    if change.guarded {
        out.push_str("<span class=\"badge lost\">requires approval</span>");
    }
    let _ = write!(out, "<span class=\"time\">{action} · {}</span></summary>", duration(change.seconds));
    if !bare {
        out.push_str("<div class=\"body\">");
        if explained {
            let _ = write!(out, "<p>{}</p>", escape(&change.reason));
        }
        rows.iter().for_each(|row| field(out, row));
        out.push_str("</div>");
    }
    out.push_str("</details>\n");
}

fn field(out: &mut String, row: &Row<'_>) {
    let _ = write!(
        out,
        "<div class=\"field\"><span class=\"mono\">{}</span><span class=\"value mono\">",
        escape(row.path)
    );
    match &row.content {
        Content::Values(before, after) => {
            let before = before.as_ref().map(|before| format!("<del>{}</del>", escape(before)));
            let after = after.as_ref().map(|after| format!("<ins>{}</ins>", escape(after)));
            let both: Vec<String> = [before, after].into_iter().flatten().collect();
            out.push_str(&both.join(" → "));
        }
        Content::Secret => out.push_str("<em>secret</em>"),
        Content::Another(value) => {
            let _ = write!(out, "{} (new id or revision)", escape(value));
        }
        Content::Lines(lines) => {
            out.push_str("<pre>");
            for (mark, line) in lines {
                let (class, sign) = match mark {
                    Mark::Gone => (" class=\"gone\"", "- "),
                    Mark::Come => (" class=\"come\"", "+ "),
                    Mark::Same => ("", "  "),
                };
                let _ = write!(out, "<span{class}>{sign}{}</span>", escape(line));
            }
            out.push_str("</pre>");
        }
    }
    for note in &row.notes {
        let class = if *note == "forces replacement" { " class=\"forces\"" } else { "" };
        let _ = write!(out, " <em{class}>{note}</em>");
    }
    out.push_str("</span></div>");
}

fn list(out: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        let lines: String = lines.iter().map(|line| format!("<li>{}</li>", escape(line))).collect();
        let _ = writeln!(out, "<section><h2>{title}</h2><ul class=\"plain\">{lines}</ul></section>");
    }
}

fn left_to_aws(out: &mut String, plan: &Plan) {
    if plan.left_to_aws.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<section><h2>Left to AWS</h2><details><summary>{} fields that the spec does not set: kept as they are, \
         never a difference</summary><div class=\"body\">",
        plan.left_to_aws.len()
    );
    for left in &plan.left_to_aws {
        let _ = write!(
            out,
            "<div class=\"field\"><span class=\"mono\">{} {}</span><span class=\"value mono\">{}</span></div>",
            escape(&left.address.to_string()),
            escape(&left.path),
            escape(&inline(&left.value)),
        );
    }
    out.push_str("</div></details></section>\n");
}
