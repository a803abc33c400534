//! Injected failures of a file cloud.

use std::str::FromStr;

use crate::value::{Address, AddressError};

/// Where a file cloud fails, as `--fail-at` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailAt {
    /// Writes to this address are rejected.
    Address(Address),
    /// The process crashes at the N-th write (from 1), before or after it takes effect.
    Crash { write: u64, after: bool },
    /// The image of this service is not in its registry; of `*`, that of none.
    MissingImage(String),
}

/// Stands for every service.
const ALL: &str = "*";

impl FailAt {
    /// Whether to crash at this write, before or after it takes effect.
    pub(super) fn ends(&self, now: u64, is_done: bool) -> bool {
        matches!(self, Self::Crash { write, after } if *write == now && *after == is_done)
    }

    /// Whether the image of this service is taken away.
    pub(super) fn takes_image(&self, service: &str) -> bool {
        matches!(self, Self::MissingImage(of) if of == ALL || of == service)
    }

    /// The one service whose image is taken away.
    pub fn service(&self) -> Option<&str> {
        match self {
            Self::MissingImage(service) if service != ALL => Some(service),
            _ => None,
        }
    }
}

/// Why a text does not say where to fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FailAtError {
    #[error(transparent)]
    Address(#[from] AddressError),
    /// What stands after `crash-before:` or `crash-after:`.
    #[error("`{0}` is not the number of a write, counted from 1")]
    Write(String),
    #[error("`missing-image:` takes the key of a service, or * for all")]
    Service,
}

impl FromStr for FailAt {
    type Err = FailAtError;

    fn from_str(text: &str) -> Result<Self, FailAtError> {
        if let Some(service) = text.strip_prefix("missing-image:") {
            return match service {
                "" => Err(FailAtError::Service),
                service => Ok(Self::MissingImage(service.to_owned())),
            };
        }
        let crash = match text.split_once(':') {
            Some(("crash-before", number)) => Some((number, false)),
            Some(("crash-after", number)) => Some((number, true)),
            _ => None,
        };
        match crash {
            None => Ok(Self::Address(text.parse()?)),
            Some((number, after)) => match number.parse() {
                Ok(write) if write > 0 => Ok(Self::Crash { write, after }),
                _ => Err(FailAtError::Write(number.to_owned())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_image_is_taken_or_all() {
        let takes = |text: &str| text.parse::<FailAt>().map(|fault| fault.takes_image("web"));
        assert_eq!(takes("missing-image:web"), Ok(true));
        assert_eq!(takes("missing-image:*"), Ok(true));
        assert_eq!(takes("missing-image:api"), Ok(false));
        assert_eq!(takes("ecs_service.web"), Ok(false));
    }

    #[test]
    fn an_address_or_a_write() {
        let address = Address::new("ssm_parameter", "payload/db-url");
        assert_eq!("ssm_parameter.payload/db-url".parse(), Ok(FailAt::Address(address)));
        assert_eq!("crash-before:1".parse(), Ok(FailAt::Crash { write: 1, after: false }));
        assert_eq!("crash-after:17".parse(), Ok(FailAt::Crash { write: 17, after: true }));
        assert_eq!("missing-image:web".parse(), Ok(FailAt::MissingImage("web".to_owned())));
        assert_eq!("missing-image:".parse::<FailAt>(), Err(FailAtError::Service));
        for text in ["", "vpc", "crash-before", "missing-image"] {
            assert!(matches!(text.parse::<FailAt>(), Err(FailAtError::Address(_))), "{text}");
        }
        for (text, number) in [("crash-after:", ""), ("crash-after:0", "0"), ("crash-before:last", "last")] {
            assert_eq!(text.parse::<FailAt>(), Err(FailAtError::Write(number.to_owned())), "{text}");
        }
    }
}
