//! A kind's objects as resources of Terraform's AWS provider, for what reads Terraform's plans.
//! <https://registry.terraform.io/providers/hashicorp/aws/latest/docs>

use serde_json::{Value, json};

use crate::value::{Address, Ref, Target, tag};

/// Key of the tagged JSON object that stands for JSON inside a string.
pub const DOCUMENT: &str = "$document";

/// Which object is shown, and where.
pub struct This<'a> {
    pub address: &'a Address,
    pub region: &'a str,
}

impl This<'_> {
    /// A reference to the object's id, for resources that Terraform has beside it.
    pub fn own(&self) -> Value {
        json!({ tag::TO: self.address, "output": "id" })
    }
}

/// One of Terraform's resources, as long as its references are addresses and its secrets sources.
pub struct Block {
    /// The resource type, as in `aws_vpc`.
    pub kind: &'static str,
    /// Tells apart the resources of one object; `None` for the object itself.
    pub part: Option<String>,
    pub body: Value,
}

impl Block {
    pub fn one(kind: &'static str, body: Value) -> Vec<Self> {
        vec![Self { kind, part: None, body }]
    }

    pub fn part(kind: &'static str, part: String, body: Value) -> Self {
        Self { kind, part: Some(part), body }
    }

    /// Whatever tells it from all others of its type.
    pub fn title(&self, address: &Address) -> String {
        match self.part.as_deref() {
            None | Some("") => address.name().to_owned(),
            Some(part) => format!("{}-{part}", address.name()),
        }
    }
}

/// JSON inside a string, as Terraform has policies and container definitions.
pub(super) fn document(value: &Value) -> Value {
    json!({ DOCUMENT: value })
}

/// What a part that stands for a reference is called.
pub(super) fn name_of<K: Target>(reference: &Ref<K>) -> String {
    match reference {
        Ref::To { address, .. } => address.name().to_owned(),
        Ref::Id { id, .. } => id.clone(),
    }
}
