//! Secrets that nobody reads.

use super::reach::all;
use super::{Check, Found, Subject};
use crate::kinds::config::ssm_parameter::SsmParameter;

pub const UNREAD_SECRET: Check = Check {
    code: "BP-SECRET-01",
    warns: "a secret parameter is read by no service, database or other parameter of the spec",
    find,
};

fn find(subject: &Subject<'_>, found: &mut Found) {
    for (object, attrs) in all::<SsmParameter>(subject.graph) {
        let is_read = || subject.graph.objects.iter().any(|other| other.needs.contains(&object.address));
        if attrs.secure && !object.external && !is_read() {
            let message = "nothing in the spec reads this secret";
            let help = "name it in `secrets` of a service, or remove it";
            found.report(&object.address, &["parameters", object.address.name()], message, help);
        }
    }
}
