use std::fmt::Write;

use super::Paint;
use crate::kinds::registry::images::{ImageList, ListedImage, State};
use crate::value::{one_line, prefix_lines};

/// Hex digits of a digest that tell images apart for a person.
const DIGITS: usize = 12;

/// The images of an environment's services for people, and how to push those that are missing.
pub fn images_text(list: &ImageList, title: &str, paint: Paint) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}\n", paint.bold(&one_line(title)));
    let width = list.images.iter().map(|image| image.service.chars().count()).max().unwrap_or(0);
    for image in &list.images {
        let (service, reference) = (one_line(&image.service), one_line(&image.image));
        let _ = writeln!(out, "  {service:<width$}  {reference}");
        let _ = writeln!(out, "  {:<width$}  {}", "", state(image, paint));
    }
    if list.images.is_empty() {
        let _ = writeln!(out, "  The spec has no services.");
    }
    let _ = write!(out, "\n{}", summary(list, paint));
    out + &push_text(&list.commands)
}

fn state(image: &ListedImage, paint: Paint) -> String {
    let why = prefix_lines(image.why.as_deref().unwrap_or_default(), "  ");
    match image.state {
        State::Missing => paint.red(&format!("missing: {why}")),
        State::Unknown => paint.yellow(&format!("unknown: {why}")),
        State::Present => {
            let mut parts = vec!["found".to_owned()];
            if let Some(digest) = &image.digest {
                let end = digest.find(':').map_or(DIGITS, |colon| colon + 1 + DIGITS);
                parts.push(one_line(digest.get(..end).unwrap_or(digest)));
                parts.push(match &image.platforms {
                    Some(platforms) => one_line(&platforms.join(" ")),
                    None => format!("one platform, which its manifest does not say (needed: {})", image.platform),
                });
            }
            if let Some(pushed) = &image.pushed_at {
                let ago = image.age_seconds.map(|seconds| format!(" ({} ago)", age(seconds))).unwrap_or_default();
                parts.push(format!("pushed {pushed}{ago}"));
            }
            paint.green(&parts.join(", "))
        }
    }
}

/// "5 min", "3 h", "12 days".
fn age(seconds: u64) -> String {
    const HOUR: u64 = 3600;
    const DAY: u64 = 24 * HOUR;
    match seconds {
        0..HOUR => format!("{} min", seconds / 60),
        HOUR..DAY => format!("{} h", seconds / HOUR),
        _ if seconds < 2 * DAY => "1 day".to_owned(),
        _ => format!("{} days", seconds / DAY),
    }
}

fn summary(list: &ImageList, paint: Paint) -> String {
    let (all, missing, unknown) = (list.images.len(), list.count(State::Missing), list.count(State::Unknown));
    let unknown = match unknown {
        0 => String::new(),
        count => format!(" {count} unknown."),
    };
    match missing {
        0 => paint.green(&format!("No image is missing: {} of {all} found.{unknown}", list.count(State::Present))),
        count => paint.red(&format!("{count} of {all} images missing.{unknown}")),
    }
}

/// How to push images; empty where there is nothing to push.
pub fn push_text(commands: &[String]) -> String {
    if commands.is_empty() {
        return "\n".to_owned();
    }
    let mut out = " To push them, each from the folder of its Dockerfile\n(`docker tag IMAGE REFERENCE` in place of the build, if it is built already):\n".to_owned();
    for command in commands {
        let _ = writeln!(out, "  {}", one_line(command));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_rounded_down() {
        let ages = [0, 59 * 60, 3600, 86_399, 86_400, 3 * 86_400 + 5];
        assert_eq!(ages.map(age), ["0 min", "59 min", "1 h", "23 h", "1 day", "3 days"]);
    }
}
