//! Secrets that nobody reads.

use std::collections::HashSet;

use super::reach::all;
use super::{Check, Findings, Subject};
use crate::kinds::config::ssm_parameter::SsmParameter;
use crate::value::Address;

pub const UNREAD_SECRET: Check = Check {
    code: "BP-SECRET-01",
    warns: "a secret parameter is read by no service, database or other parameter of the spec",
    find,
};

fn find(subject: &Subject<'_>, found: &mut Findings) {
    let read: HashSet<&Address> = subject.graph.objects.iter().flat_map(|object| &object.needs).collect();
    for (object, attrs) in all::<SsmParameter>(subject.graph) {
        if attrs.secure && !object.external && !read.contains(&object.address) {
            let message = "nothing in the spec reads this secret";
            let help = "name it in `secrets` of a service, or remove it";
            found.report(&object.address, &["parameters", object.address.name()], message, help);
        }
    }
}
