//! Who uses a live object: what a change of it means depends on that.

use serde_json::Value;

use super::Kind;
use crate::value::{Address, Ref, Target};

/// A live object that refers to another, or whose entry in the spec says that it needs it.
#[derive(Clone, Copy, Debug)]
pub struct User<'a> {
    pub address: &'a Address,
    /// As it is live; null where that was not read.
    pub attrs: &'a Value,
    /// Whether it goes on using the object: the spec has both, and the one needs the other.
    pub stays: bool,
    /// Whether something uses it in its turn.
    pub is_used: bool,
}

/// The users of one live object, as far as live references and the spec tell. Who reaches it from outside (a browser
/// that asks for a name, a person with a client) is not among them.
#[derive(Clone, Default)]
pub struct Users<'a> {
    users: Vec<User<'a>>,
    others: Option<&'a dyn FindUsers>,
}

/// Finds the users of other live objects.
pub trait FindUsers {
    /// Those of the object of this kind with this id; `None` where it is not ours.
    fn find(&self, kind: &str, id: &str) -> Option<Users<'_>>;
}

impl<'a> Users<'a> {
    /// `others` finds the users of other objects, where anything does.
    pub fn new(users: Vec<User<'a>>, others: Option<&'a dyn FindUsers>) -> Self {
        Self { users, others }
    }

    pub fn iter(&self) -> impl Iterator<Item = &User<'a>> {
        self.users.iter()
    }

    /// Whether anything uses it.
    pub fn any(&self) -> bool {
        !self.users.is_empty()
    }

    /// Whether something goes on using it.
    pub fn stay(&self) -> bool {
        self.users.iter().any(|user| user.stays)
    }

    /// Those of one kind, with their live attributes.
    pub fn of<K: Kind>(&self) -> impl Iterator<Item = (&'a Address, K::Attrs)> {
        let own = self.users.iter().filter(|user| user.address.kind() == K::KIND);
        own.filter_map(|user| Some((user.address, serde::Deserialize::deserialize(user.attrs).ok()?)))
    }

    /// The users of another live object; `None` where it is not ours.
    pub fn of_another<T: Target>(&self, other: &Ref<T>) -> Option<Users<'a>> {
        match other {
            Ref::To { .. } => None,
            live => self.others?.find(T::KIND, live.value()),
        }
    }
}
