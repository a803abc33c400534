//! Sections of a spec. What a section means is defined above, by the kinds that read it; here is how one is held,
//! checked and found again by its type.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::de::value::Error;
use serde::{Deserialize, Serialize};

use super::environment::{Held, Rename};
use super::keyed::Entries;
use super::text_part::TextPart;
use super::{Check, Environment, Node, Unknown};
use crate::value::Part;

/// One key of the spec at its top, and what stands there.
pub trait Section: Sized + 'static {
    /// As the spec writes it: `"databases"`.
    const KEY: &'static str;
    /// What the schema says of it, where the type of its value does not.
    const DESCRIPTION: Option<&'static str> = None;
    /// Whether a spec must have it. If not, its value's default stands for it.
    const REQUIRED: bool = false;
    /// What texts may refer to in it, and what that is: `"databases.….endpoint"`, where `…` is an entry's key.
    const TEXTS: &'static [TextPart] = &[];
    /// Its fields that several environments may have in common (a hosted zone): `compare` takes them as they are.
    const COMMON_FIELDS: &'static [&'static str] = &[];

    /// Where the table of its entries stands ([`Section::entries`]): a key of the section, or empty where that is the
    /// section itself. `None` where it has none.
    const ENTRY_TABLE: Option<&'static str> = None;
    /// Whether what is made for its entries is named after their keys, where the spec says no name.
    const NAMED_BY_KEY: bool = true;

    type Value: Any + Send + Sync + Clone + Default + Serialize + DeserializeOwned + JsonSchema;

    /// Reports what is wrong with the section by itself, and with what it says of others. Its structure has been
    /// checked before.
    fn validate(check: &mut Check<'_>);

    /// What `{<KEY>.<path>}` in a text stands for.
    ///
    /// # Errors
    /// The path leads to nothing.
    fn part(_env: &Environment, _path: &str) -> Result<Part, Unknown> {
        Err(Unknown::new(format!("[{}] has nothing for placeholders", Self::KEY), ""))
    }

    /// The table of its entries, for each of which objects are made that are called by its key.
    fn entries(_value: &mut Self::Value) -> Option<&mut dyn Entries> {
        None
    }

    /// Puts another key of one of its entries where other sections name it by the one it had, so that objects of theirs
    /// are called by both.
    fn refer_anew(_env: &mut Environment, _from: &str, _to: &str) {}

    /// Names that are this environment's own, such as a domain, each with what stands for it in a comparison.
    fn own_names(_value: &Self::Value) -> Vec<(String, &'static str)> {
        Vec::new()
    }
}

/// A [`Section`] of any type.
pub trait AnySection: Sync {
    fn key(&self) -> &'static str;
    fn is_required(&self) -> bool;
    fn texts(&self) -> &'static [TextPart];
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;
    /// What stands at its key, which is nothing where the spec does not have it.
    ///
    /// # Errors
    /// It is not what the section's type takes; after a check of the structure, none.
    fn read(&self, node: Option<&Node>) -> Result<Arc<dyn Held>, Error>;
    fn validate(&self, check: &mut Check<'_>);
}

/// The section as one of any type.
pub const fn section<S: Section>() -> &'static dyn AnySection {
    &Typed::<S>(PhantomData)
}

struct Typed<S>(PhantomData<fn() -> S>);

impl<S: Section> AnySection for Typed<S> {
    fn key(&self) -> &'static str {
        S::KEY
    }

    fn is_required(&self) -> bool {
        S::REQUIRED
    }

    fn texts(&self) -> &'static [TextPart] {
        S::TEXTS
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<S::Value>();
        if let Some(description) = S::DESCRIPTION {
            schema.insert("description".to_owned(), description.into());
        }
        if !S::REQUIRED
            && let Ok(default) = serde_json::to_value(S::Value::default())
            && !default.is_null()
        {
            schema.insert("default".to_owned(), default);
        }
        schema
    }

    fn read(&self, node: Option<&Node>) -> Result<Arc<dyn Held>, Error> {
        let value = node.map(S::Value::deserialize).transpose()?;
        Ok(Arc::new(Of::<S>(value.unwrap_or_default())))
    }

    fn validate(&self, check: &mut Check<'_>) {
        S::validate(check);
    }
}

/// What one spec says in a section.
struct Of<S: Section>(S::Value);

impl<S: Section> Held for Of<S> {
    fn key(&self) -> &'static str {
        S::KEY
    }

    fn texts(&self) -> &'static [TextPart] {
        S::TEXTS
    }

    fn value(&self) -> &dyn Any {
        &self.0
    }

    fn part(&self, env: &Environment, path: &str) -> Result<Part, Unknown> {
        S::part(env, path)
    }

    fn own_names(&self) -> Vec<(String, &'static str)> {
        S::own_names(&self.0)
    }

    fn entry_table(&self) -> Option<&'static str> {
        S::ENTRY_TABLE
    }

    fn entry_keys(&self) -> Vec<String> {
        S::entries(&mut self.0.clone()).map(|entries| entries.keys()).unwrap_or_default()
    }

    fn refer_anew(&self, env: &mut Environment, from: &str, to: &str) {
        S::refer_anew(env, from, to);
    }

    fn named_by_key(&self) -> bool {
        S::NAMED_BY_KEY
    }

    fn with_key(&self, from: &str, to: &str) -> Option<Arc<dyn Held>> {
        let mut value = self.0.clone();
        S::entries(&mut value)?.rename(from, to).then(|| Arc::new(Self(value)) as Arc<dyn Held>)
    }

    fn renamed(&self, rename: Rename<'_>) -> Arc<dyn Held> {
        let spelled = serde_json::to_value(&self.0).unwrap_or_default();
        let mut renamed = rename(&spelled);
        for field in S::COMMON_FIELDS {
            if let (Some(there), Some(here)) = (renamed.get_mut(*field), spelled.get(*field)) {
                *there = here.clone();
            }
        }
        // Text that only looks like one of the names may have stood where something else belongs.
        Arc::new(Self(serde_json::from_value(renamed).unwrap_or_else(|_| self.0.clone())))
    }
}

impl Environment {
    /// What the spec says in a section.
    ///
    /// # Panics
    /// If the spec was read without this section (see [`super::Catalog`]), which only a test can do.
    pub fn section<S: Section>(&self) -> &S::Value {
        let value = self.held(S::KEY).and_then(|held| held.value().downcast_ref());
        value.unwrap_or_else(|| unreachable!("the spec was read without a section [{}]", S::KEY))
    }

    /// Puts another value in the place of what the spec says in a section.
    pub fn set_section<S: Section>(&mut self, value: S::Value) {
        self.hold(Arc::new(Of::<S>(value)));
    }
}
