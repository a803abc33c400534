use std::borrow::Cow;

/// A text as one word of a POSIX shell's command line, whatever it holds.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn nothing_in_a_word_means_anything_to_a_shell() {
        assert_eq!(shell_word("https://a.example:8080/x"), "https://a.example:8080/x");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("a b"), "'a b'");
        assert_eq!(shell_word("$(id) `id` ;'x'\n"), "'$(id) `id` ;'\\''x'\\''\n'");
        assert_eq!(shell_word("~"), "'~'");
    }
}
