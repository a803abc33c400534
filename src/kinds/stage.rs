use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The documented order of an environment's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Network,
    Database,
    Registries,
    Parameters,
    Compute,
    LoadBalancer,
    Dns,
    Monitoring,
}

impl Stage {
    pub const ALL: [Self; 8] = [
        Self::Network,
        Self::Database,
        Self::Registries,
        Self::Parameters,
        Self::Compute,
        Self::LoadBalancer,
        Self::Dns,
        Self::Monitoring,
    ];

    /// 1 to 9. Verifying is 8, and holds no objects.
    pub fn number(self) -> usize {
        match self {
            Self::Monitoring => 9,
            earlier => earlier as usize + 1,
        }
    }

    /// As a heading: `2 · database`.
    pub fn title(self) -> String {
        format!("{} · {self}", self.number())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "network and security groups",
            Self::Database => "database",
            Self::Registries => "registries",
            Self::Parameters => "parameters",
            Self::Compute => "cluster, task definitions, services",
            Self::LoadBalancer => "load balancer",
            Self::Dns => "DNS",
            Self::Monitoring => "monitoring",
        })
    }
}

/// Documented stages from one to another, both included: `1-4`, or `3` for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageRange {
    first: usize,
    last: usize,
}

/// Why a text is not a [`StageRange`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageRangeError {
    #[error("`{0}` is not a stage or a range of stages, as in 3 or 1-4")]
    Form(String),
    #[error("there is no stage {0}: they are 1 to {LAST}")]
    NoSuchStage(usize),
    #[error("{first}-{last} ends before it begins")]
    Reversed { first: usize, last: usize },
    /// Verifying, which no change belongs to.
    #[error("stage {0} only verifies, and has no changes of its own")]
    Empty(usize),
}

/// The number of the last stage.
const LAST: usize = 9;

impl StageRange {
    pub fn contains(self, stage: Stage) -> bool {
        (self.first..=self.last).contains(&stage.number())
    }
}

impl FromStr for StageRange {
    type Err = StageRangeError;

    fn from_str(text: &str) -> Result<Self, StageRangeError> {
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
            let number = part.parse().ok().filter(|_| digits);
            number.ok_or_else(|| StageRangeError::Form(text.to_owned()))
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (number(first)?, number(last)?);
        if let Some(unknown) = [first, last].into_iter().find(|stage| !(1..=LAST).contains(stage)) {
            return Err(StageRangeError::NoSuchStage(unknown));
        }
        if first > last {
            return Err(StageRangeError::Reversed { first, last });
        }
        let range = Self { first, last };
        match Stage::ALL.into_iter().any(|stage| range.contains(stage)) {
            true => Ok(range),
            false => Err(StageRangeError::Empty(first)),
        }
    }
}

impl fmt::Display for StageRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

impl Serialize for StageRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StageRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a change means to those who use the object, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    None,
    /// Tasks are replaced one by one.
    Rolling,
    /// Waits for the maintenance window.
    InWindow,
    /// The database restarts.
    Reboot,
    /// Another takes over at once, such as the database in its other zone: open connections break, new ones get through.
    Failover,
    /// Who uses it is without it: for as long as the change takes, or for good where it goes.
    Outage,
    /// Another object takes its place: open connections through the old one break.
    Replaced,
    /// What it holds is lost.
    DataLoss,
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no interruption",
            Self::Rolling => "rolling restart",
            Self::InWindow => "in the maintenance window",
            Self::Reboot => "reboot",
            Self::Failover => "failover",
            Self::Outage => "outage",
            Self::Replaced => "replaced",
            Self::DataLoss => "data lost",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_stage_or_two() {
        let taken = |text: &str| -> Vec<usize> {
            let range: StageRange = text.parse().expect("a range");
            assert_eq!(range.to_string(), text);
            Stage::ALL.into_iter().filter(|stage| range.contains(*stage)).map(Stage::number).collect()
        };
        assert_eq!(taken("3"), [3]);
        assert_eq!(taken("1-4"), [1, 2, 3, 4]);
        assert_eq!(taken("7-9"), [7, 9], "verifying holds no objects");
        assert_eq!(taken("1-9").len(), Stage::ALL.len());
    }

    #[test]
    fn what_is_no_range_says_why() {
        let refused = |text: &str| text.parse::<StageRange>().expect_err("no range");
        for text in ["", "-", "1-", "-4", "one", "1-2-3", "+1", "1 - 4", "1..4"] {
            assert_eq!(refused(text), StageRangeError::Form(text.to_owned()), "{text}");
        }
        assert_eq!(refused("0"), StageRangeError::NoSuchStage(0));
        assert_eq!(refused("4-10"), StageRangeError::NoSuchStage(10));
        assert_eq!(refused("4-1"), StageRangeError::Reversed { first: 4, last: 1 });
        assert_eq!(refused("8"), StageRangeError::Empty(8));
    }
}
