//! Baseplate makes one environment of a project on AWS what a TOML spec says, without a state file: the live
//! account is the state, found again by tags and deterministic names.
//!
//! The way of the data, which is also the list of modules:
//!
//! - [`spec`]: TOML files are read, merged and checked into a typed [`spec::Environment`];
//! - [`kinds`]: each AWS kind derives what it wants from it, and knows how to read, create, update and delete;
//! - [`graph`]: the wants and their dependencies, in order;
//! - [`cloud`]: where live state comes from and changes go to, an account or a file;
//! - [`plan`]: desired against live, a value that is shown, saved and applied;
//! - [`apply`]: carries a plan out, each change once its dependencies are done, and tells events;
//! - [`lock`]: keeps two applies apart;
//! - [`render`]: a plan as a document for a pull request, a browser or another tool;
//! - [`ui`]: the one place that prints.
//!
//! Over the same graph, [`checks`] finds what AWS accepts although it will not work, and who may reach whom; [`compare`] holds two environments against one another, and [`rehearse`]
//! carries a change out in memory first. Beside them, [`aws`] holds the clients of an account and what their errors
//! mean, [`applied`] what was asked for when an environment was last applied, and of which kinds it may have objects,
//! [`value`] what attributes are made of (addresses, references, texts, secrets), [`clock`] the time that is waited by;
//! [`files`] reads and writes with care, and [`cli`] with [`commands`] are thin over the operations. Destroy is a plan
//! against nothing desired.
//!
//! # Layers
//! A module uses only those that come after it here, and no two files use one another; a test holds both
//! (`tests/it/layers.rs`):
//!
//! commands, cli → ui → render → rehearse → apply → checks, compare → plan → cloud → applied, lock → graph → kinds → aws → spec
//! → value, files, clock
//!
//! All that needs AWS's SDK is behind the default feature `aws`: without it there are cloud files only, and a build
//! takes a minute or two.
//!
//! A file may use those that it is inside of (`kinds/network/vpc.rs` uses `kinds.rs`): there stands what neighbours
//! share.
//!
//! # A new kind
//! A kind of AWS object is one file in the folder of its area: `network`, `data`, `registry`, `config`, `compute`,
//! `edge`, `monitoring` or `identity`. `kinds/monitoring/sns_topic.rs` is a short one to begin from. It holds all
//! that is the kind's own:
//!
//! - a marker type that names it ([`value::Target`]), and its attributes, the desired and the live shape in one;
//! - its [`spec::Section`], if no section that is there says what it is made of: the type of what the spec says, what
//!   is wrong with it, and what texts may refer to;
//! - [`kinds::Kind`]: the section and examples of it, AWS's rules on what is sent ([`kinds::rules`]), what a spec wants,
//!   what a change means, what Terraform calls it, what people open, call and run of it;
//! - in `mod calls`, behind the feature `aws`: [`kinds::Calls`], which reads all live objects and creates, updates and
//!   deletes one, and `service!(aws_sdk_sns);` where no other kind calls that crate of the SDK.
//!
//! It is registered by `pub mod` in its area's file and a line in [`kinds::all`] (`kinds/erased.rs`); a service new to
//! the crate is a dependency in `Cargo.toml`, and a part of its feature `aws`. Nothing else is edited: tests that hold for
//! every kind run the examples on a cloud file and over HTTP. What is generated (schema, references, and with a new
//! section the two snapshots that list all sections) is written anew by the commands in `docs/src/developing.md`.

// A kind's futures run on one thread and are boxed by the engine: no `Send` bound is owed to anybody.
#![allow(async_fn_in_trait)]

pub mod applied;
pub mod apply;
pub mod aws;
pub mod checks;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod commands;
pub mod compare;
pub mod files;
pub mod graph;
pub mod kinds;
pub mod lock;
pub mod plan;
pub mod rehearse;
pub mod render;
pub mod spec;
pub mod ui;
pub mod value;
