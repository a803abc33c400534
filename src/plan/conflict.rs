use crate::spec::Owner;
use crate::value::Address;

/// What stands in the way of a plan until a person has decided about it. Nothing is changed before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("{0} is external (external = true) and does not exist: create it, then plan again")]
    ExternalMissing(Address),
    /// Protection is only switched off by a reviewed change of the spec.
    #[error(
        "{address} would be {}, but has deletion protection: {}",
        if *is_replaced { "replaced" } else { "deleted" },
        unprotected(*is_replaced, *wanted)
    )]
    Protected {
        address: Address,
        field: String,
        is_replaced: bool,
        /// Whether the spec wants it; `None` where it has the object no longer.
        wanted: Option<bool>,
    },
    /// A change that AWS would refuse, by which of its fields, and why.
    #[error("{address} cannot be changed this way: {why}")]
    Refused { address: Address, fields: Vec<String>, why: String },
    /// Two names that AWS would have to take at once: what takes another's name is made before that goes.
    #[error(
        "{address} would be created with the name of {holder}, {name}, and AWS takes no two of a name: keep the key, \
         choose another name, or remove {holder} in an apply of its own before"
    )]
    NameTaken { address: Address, holder: Address, name: String },
    /// A new object whose name another keeps from an earlier key.
    #[error(
        "{address} would be created with the name of {holder}, {name}, which that keeps from the key that it had before: \
         choose another key"
    )]
    NameKept { address: Address, holder: Address, name: String },
    #[error(
        "{address}: {id} already exists in its place, and belongs to {owner}: rename or move one of the two. Only if {owner} \
         no longer uses it: remove its tags baseplate:* by hand, then plan again"
    )]
    OfAnother { id: String, address: Address, owner: String },
    /// Two live objects, of which `[[moved]]` would make one.
    #[error(
        "{to}: {other} exists there, and {id} at {from}, from where [[moved]] says that it came. Remove that [[moved]] to \
         have {from} deleted, or delete {other} by hand if {id} is to take its place"
    )]
    MovedOnto { from: Address, id: String, to: Address, other: String },
    /// What has no tags is forgotten with what it is part of.
    #[error("{address} has no tags of its own, and follows {}: forget that", list(parents))]
    FollowsParent { address: Address, parents: Vec<Address> },
    /// An object that matches one of the spec without its tags.
    #[error(
        "{address}: {id} already exists in its place, {}. Adopt it with --adopt {address}, or rename or move one of the two",
        lost(owner)
    )]
    ToAdopt { id: String, address: Address, owner: Owner },
    /// Such an object, but it differs in fields that AWS cannot change.
    #[error(
        "{address}: {id} already exists in its place, {}. It cannot be adopted, since AWS cannot change {} in place: delete it \
         by hand if it is not needed, or rename or move one of the two",
        lost(owner),
        fixed.join(", ")
    )]
    NotAdoptable { id: String, address: Address, owner: Owner, fixed: Vec<String> },
    /// Several objects that match one of the spec without their tags.
    #[error(
        "{} could each be {address}, since none of them has all ownership tags: give the right one the tags \
         baseplate:project = {project}, baseplate:environment = {environment} and baseplate:address = {address}, then \
         plan again",
        ids.join(" and ")
    )]
    Ambiguous { ids: Vec<String>, address: Address, project: String, environment: String },
    #[error(
        "{} all have the tags of {address}, and none has its name: take the tags baseplate:* off those that are not it, or \
         give the spec the name of the one that is",
        ids.join(", ")
    )]
    Copies { address: Address, ids: Vec<String> },
    /// A destroy would not delete it.
    #[error(
        "{address}: {id} already exists in its place, but lacks {}, and would be left behind. Restore its tags first (apply \
         --adopt {address}), or remove the others to keep it",
        missing.join(", ")
    )]
    LeftBehind { id: String, address: Address, missing: Vec<&'static str> },
    #[error(
        "{id} has the tags of this environment but no valid baseplate:address: set that tag to the address it had, to \
         any other {kind}.NAME to have it deleted, or remove the other tags"
    )]
    NoAddress { id: String, kind: &'static str },
    /// After several of [`Self::ToAdopt`]: the options for all of them.
    #[error("to adopt all of these: {}", options(.0))]
    AllToAdopt(Vec<Address>),
}

/// How to switch the protection off first.
fn unprotected(is_replaced: bool, wanted: Option<bool>) -> &'static str {
    match (is_replaced, wanted) {
        (_, None) => {
            "bring its entry back with `deletion-protection = false` and apply that, then remove it. If it only has another \
             key now, [[moved]] says so and keeps it"
        }
        (true, Some(false)) => {
            "the spec switches that off, and it is not applied yet: take back what replaces it, apply, then change it"
        }
        (false, Some(false)) => "the spec switches that off, and it is not applied yet: apply it, then plan again",
        (_, Some(true)) => "set `deletion-protection = false` in the spec and apply that, then plan again",
    }
}

/// What is wrong with its tags.
fn lost(owner: &Owner) -> String {
    match owner {
        Owner::PartlyTagged(missing) => format!("but lacks the tags {}", missing.join(" and ")),
        Owner::Ours(other) => format!("but is tagged as {other}"),
        _ => "but has none of this environment's tags: they were removed, or it was created elsewhere".to_owned(),
    }
}

fn options(addresses: &[Address]) -> String {
    addresses.iter().map(|address| format!("--adopt {address}")).collect::<Vec<_>>().join(" ")
}

fn list(addresses: &[Address]) -> String {
    addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(" and ")
}

impl Conflict {
    /// The object that it is about; `None` where nobody can tell.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::ExternalMissing(address) => Some(address),
            Self::Protected { address, .. }
            | Self::Refused { address, .. }
            | Self::NameTaken { address, .. }
            | Self::NameKept { address, .. }
            | Self::OfAnother { address, .. }
            | Self::ToAdopt { address, .. }
            | Self::NotAdoptable { address, .. }
            | Self::Ambiguous { address, .. }
            | Self::Copies { address, .. }
            | Self::FollowsParent { address, .. }
            | Self::LeftBehind { address, .. } => Some(address),
            Self::MovedOnto { to, .. } => Some(to),
            Self::NoAddress { .. } | Self::AllToAdopt(_) => None,
        }
    }

    /// The fields of that object that bring it about, where it is known to be them.
    pub fn fields(&self) -> &[String] {
        match self {
            Self::Refused { fields, .. } | Self::NotAdoptable { fixed: fields, .. } => fields,
            // What would replace it is told of the change.
            Self::Protected { field, is_replaced: false, .. } => std::slice::from_ref(field),
            _ => &[],
        }
    }
}
