use std::collections::HashMap;
use std::fmt::Write;

use super::Paint;
use crate::kinds::environment_outputs::{EnvironmentOutput, OutputSort};
use crate::value::{one_line, shell_word};

/// How many outputs an apply shows at its end.
const FEW: usize = 10;

/// The outputs of an environment for people, by what they are for.
pub fn outputs_text(outputs: &[EnvironmentOutput], title: &str, paint: Paint) -> String {
    let mut out = format!("{}\n", paint.bold(&one_line(title)));
    let sorts = [
        (OutputSort::Url, "URLs"),
        (OutputSort::Endpoint, "Endpoints"),
        (OutputSort::Command, "Commands"),
        (OutputSort::Name, "Names and ids"),
    ];
    for (sort, heading) in sorts {
        let own: Vec<_> = outputs.iter().filter(|output| output.sort == sort).collect();
        if !own.is_empty() {
            let _ = write!(out, "\n{}\n{}", paint.bold(heading), rows(&own, sort == OutputSort::Command));
        }
    }
    out
}

/// The few that people open first; empty where there are none. `all` is the command that lists all of them.
pub fn outputs_summary(outputs: &[EnvironmentOutput], all: &str, paint: Paint) -> String {
    let few: Vec<_> = outputs
        .iter()
        .filter(|output| matches!(output.sort, OutputSort::Url | OutputSort::Endpoint))
        .take(FEW)
        .collect();
    if few.is_empty() {
        return String::new();
    }
    let others = outputs.len() - few.len();
    let rest = match others {
        0 => String::new(),
        count => {
            format!("  {}\n", paint.dim(&one_line(&format!("{count} more, such as commands for logs: {all}"))))
        }
    };
    format!("\n{}\n{}{rest}", paint.bold("Outputs"), rows(&few, false))
}

/// Lines for a shell that set a variable for each: `BASEPLATE_` and the name in capitals, with `_` for all else.
///
/// # Errors
/// Two names that would be the same variable.
pub fn outputs_env(outputs: &[EnvironmentOutput]) -> Result<String, [String; 2]> {
    let mut out = String::new();
    let mut seen: HashMap<String, &str> = HashMap::new();
    for EnvironmentOutput { name, value, .. } in outputs {
        let variable = variable(name);
        let _ = writeln!(out, "export {variable}={}", shell_word(value));
        if let Some(other) = seen.insert(variable, name) {
            return Err([other.to_owned(), name.clone()]);
        }
    }
    Ok(out)
}

fn variable(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    format!("BASEPLATE_{}", plain.collect::<String>())
}

/// A name and its value in each line; below it, where values are long.
fn rows(outputs: &[&EnvironmentOutput], below: bool) -> String {
    let mut out = String::new();
    let width = outputs.iter().map(|output| output.name.chars().count()).max().unwrap_or(0);
    for output in outputs {
        let name = one_line(&output.name);
        if below {
            let _ = writeln!(out, "  {name}");
            output.value.lines().for_each(|line| {
                let _ = writeln!(out, "    {}", one_line(line));
            });
        } else {
            let _ = writeln!(out, "  {name:<width$}  {}", one_line(&output.value));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(name: &str, value: &str) -> EnvironmentOutput {
        EnvironmentOutput { name: name.to_owned(), value: value.to_owned(), sort: OutputSort::Url }
    }

    #[test]
    fn a_shell_takes_the_variables_whatever_is_in_them() {
        let outputs = [output("services.web-a.url", "http://a/"), output("x.y", "$(id) 'a'\nb")];
        let text = outputs_env(&outputs).expect("two variables");
        assert_eq!(
            text,
            "export BASEPLATE_SERVICES_WEB_A_URL=http://a/\nexport BASEPLATE_X_Y='$(id) '\\''a'\\''\nb'\n"
        );
    }

    #[test]
    fn one_variable_never_stands_for_two_outputs() {
        let outputs = [output("services.a-b.url", "1"), output("services.a_b.url", "2")];
        assert_eq!(outputs_env(&outputs), Err(["services.a-b.url".to_owned(), "services.a_b.url".to_owned()]));
    }

    #[test]
    fn an_apply_shows_only_a_few() {
        let many: Vec<_> = (0..30).map(|index| output(&format!("services.s{index}.url"), "http://a/")).collect();
        let text = outputs_summary(&many, "`baseplate outputs a.toml`", Paint::new(false));
        assert_eq!(text.lines().count(), FEW + 3, "{text}");
        assert!(text.contains("20 more"), "{text}");
        assert_eq!(outputs_summary(&[], "all", Paint::new(false)), "");
    }
}
