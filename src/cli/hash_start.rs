use std::str::FromStr;

/// The hash of a plan, or enough of its first digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashStart(String);

impl HashStart {
    /// As many digits as a plan's page shows.
    const SHORTEST: usize = 12;
    const WHOLE: usize = 64;

    pub fn is_of(&self, hash: &str) -> bool {
        hash.starts_with(&self.0)
    }
}

/// Why a text is not the beginning of a plan's hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    #[error("`{0}` is not a hexadecimal digit; give the hash in the last line of the plan")]
    NotADigit(char),
    /// So many digits, of which there are too few or too many.
    #[error("{0} digits, expected {shortest} to {whole}", shortest = HashStart::SHORTEST, whole = HashStart::WHOLE)]
    Length(usize),
}

impl FromStr for HashStart {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let digits = text.trim().to_ascii_lowercase();
        if let Some(other) = digits.chars().find(|digit| !digit.is_ascii_hexdigit()) {
            return Err(HashError::NotADigit(other));
        }
        match digits.len() {
            Self::SHORTEST..=Self::WHOLE => Ok(Self(digits)),
            length => Err(HashError::Length(length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_known_by_its_beginning() {
        let hash = "2d69f2121bd542c12c60b6500fa07f4328aeb4f9f54cffca97dbfffe45338fcf";
        let is_of = |text: &str| text.parse::<HashStart>().map(|start| start.is_of(hash));
        assert_eq!(is_of(hash), Ok(true));
        assert_eq!(is_of(" 2D69F2121BD5\n"), Ok(true));
        assert_eq!(is_of("2d69f2121bd6"), Ok(false));
        assert_eq!(is_of("f2121bd542c12c60b6"), Ok(false), "it begins otherwise");
        for (wrong, error) in [
            ("", HashError::Length(0)),
            ("2d69f2121bd", HashError::Length(11)),
            (&format!("{hash}0"), HashError::Length(65)),
            ("2d69f2121bd5…", HashError::NotADigit('…')),
            ("sha256:2d69f2121bd5", HashError::NotADigit('s')),
        ] {
            assert_eq!(is_of(wrong), Err(error), "{wrong}");
        }
    }
}
