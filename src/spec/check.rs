use super::{Environment, Problem};

/// What is wrong with a spec is reported here.
pub struct Check<'a> {
    pub env: &'a Environment,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    pub(super) fn new(env: &'a Environment) -> Self {
        Self { env, problems: Vec::new() }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Reports the value at the end of the path, which is keys and indices.
    pub fn report(&mut self, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::at(path, message, help));
    }

    /// Reports the key at the end of the path, not its value.
    pub fn report_key(&mut self, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem { of_key: true, ..Problem::at(path, message, help) });
    }

    /// Keys that physical names are made of must be such as every service of AWS takes.
    pub fn keys<'k>(&mut self, section: &[&str], keys: impl Iterator<Item = &'k String>) {
        for key in keys {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let sound = key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(plain);
            if !sound || key.ends_with('-') || key.contains("--") {
                let help = "lowercase letters, digits and single hyphens, starting with a letter: names in AWS are \
                            derived from it";
                self.report_key(&[section, &[key]].concat(), format!("`{key}` is not a valid key"), help);
            }
        }
    }

    /// A template's placeholders must name something.
    pub fn template(&mut self, path: &[&str], template: &str) {
        for error in self.env.parse_template(template).err().into_iter().flatten() {
            let mut problem = Problem::at(path, error.message, error.help);
            problem.part = Some(error.placeholder);
            self.problems.push(problem);
        }
    }

    /// A physical name set by hand must be one that AWS takes.
    pub fn name(&mut self, path: &[&str], name: Option<&String>, max: usize) {
        let Some(name) = name else { return };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.chars().count() > max {
            let message = format!("`{name}` has {} characters, AWS allows {max} at most", name.chars().count());
            self.report(path, message, "shorten it, or leave it out: derived names are shortened with a hash");
        } else if name.is_empty() || !name.chars().all(plain) || name.starts_with('-') || name.ends_with('-') {
            let message = format!("`{name}` is not a valid name in AWS");
            self.report(path, message, "use letters, digits and hyphens, no hyphen at either end");
        }
    }
}
