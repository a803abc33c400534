//! Who uses a live object: what a change of it means depends on that.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::value::{Address, Ref, Target, tag};

/// A live object that refers to another, or whose entry in the spec says that it needs it.
#[derive(Clone, Copy, Debug)]
pub struct User<'a> {
    pub address: &'a Address,
    /// As it is live; null where that was not read.
    pub attrs: &'a Value,
    /// Whether it goes on using the object: the spec has both, and the one needs the other.
    pub stays: bool,
    /// Whether the spec has it use another object of the same kind in its place.
    pub moves_on: bool,
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

    /// The attributes of the object of this kind with this output: as the spec wants them, else as they are live.
    fn attributes(&self, kind: &str, output: &str, value: &str) -> Option<&Value>;

    /// Whether the spec has any object of this kind.
    fn wants(&self, kind: &str) -> bool;
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

    /// Whether something uses it that gets no other in its place.
    pub fn lose(&self) -> bool {
        self.users.iter().any(|user| !user.moves_on)
    }

    /// Whether something goes on using it.
    pub fn stay(&self) -> bool {
        self.users.iter().any(|user| user.stays)
    }

    /// Whether the spec has any object of this kind.
    pub fn wants<T: Target>(&self) -> bool {
        self.others.is_some_and(|others| others.wants(T::KIND))
    }

    /// Those of one kind, with what is read of their live attributes.
    pub fn of<A: DeserializeOwned>(&self, kind: &str) -> impl Iterator<Item = A> {
        let own = self.users.iter().filter(move |user| user.address.kind() == kind);
        own.filter_map(|user| A::deserialize(user.attrs).ok())
    }

    /// The users of another live object; `None` where it is not ours.
    pub fn of_another<T: Target>(&self, other: &Ref<T>) -> Option<Users<'a>> {
        match other {
            Ref::To { .. } => None,
            live => self.others?.find(T::KIND, live.value()),
        }
    }

    /// The attributes of the object that a serialised live reference leads to.
    pub fn attributes(&self, reference: &Value) -> Option<&'a Value> {
        let text = |key: &str| reference.get(key).and_then(Value::as_str);
        self.others?.attributes(text("kind")?, text("output")?, text(tag::ID)?)
    }
}
