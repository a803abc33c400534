//! Examples of specs, each kind's own: the tests that hold for every kind are made of them, and they show how its
//! section is written.

/// A spec in which objects of a kind are wanted.
pub struct Example {
    /// What it says besides [`BASE`], which it extends.
    pub spec: &'static str,
    /// One after the other.
    pub changes: &'static [Change],
}

/// Another text in an example's spec, and what a plan then shows.
pub struct Change {
    pub from: &'static str,
    pub to: &'static str,
    /// Every change of the plan: `create sns_topic.orders`, and for an object that stays the paths of the fields that
    /// differ, sorted: `update task_definition.shop: cpu, environment.MODE, ports[]`, where `[]` is some of a set.
    pub plan: &'static [&'static str],
}

pub const fn change(from: &'static str, to: &'static str, plan: &'static [&'static str]) -> Change {
    Change { from, to, plan }
}

/// What every example extends: a project with its network and one security group, `app`.
pub const BASE: &str = include_str!("example/base.toml");
