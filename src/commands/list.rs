use std::collections::BTreeMap;

use serde_json::json;

use super::options::{self, Use, did_you_mean, nearest};
use super::session::Session;
use super::{Failure, live};
use crate::cli::{Exit, ListArgs};
use crate::graph::DesiredObject;
use crate::kinds;
use crate::ui::{Listed, Ui, list_text};
use crate::value::Address;

/// Lists what is live of an environment, of every kind.
pub async fn list(ui: Ui, ListArgs { spec, pattern, cloud }: &ListArgs) -> Result<Exit, Failure> {
    options::of_cloud(cloud, Use::Reads)?;
    let pattern = pattern.as_deref().map(Pattern::new).transpose()?;
    let session = Session::open(ui, spec, cloud, None).await?;
    let found = live::read(&session, kinds::all()).await?;
    let spec: BTreeMap<&Address, &DesiredObject> =
        session.graph.objects.iter().map(|object| (&object.address, object)).collect();
    let listed: Vec<Listed> = found
        .into_iter()
        .filter_map(|one| {
            let address = one.live.address?;
            pattern.as_ref().is_none_or(|pattern| pattern.matches(&address)).then(|| {
                let wanted = spec.get(&address);
                Listed {
                    id: one.live.id,
                    shared: one.kind.shared(),
                    external: wanted.is_some_and(|wanted| wanted.external),
                    in_spec: wanted.is_some(),
                    address,
                }
            })
        })
        .collect();
    let env = &session.spec.env;
    if ui.json {
        ui.result_json(&json!({
            "project": env.project,
            "environment": env.environment,
            "account": env.account,
            "region": env.region,
            "objects": listed,
        }))?;
    } else {
        let title = format!("Live: {} {} on {}", env.project, env.environment, session.cloud.place());
        ui.result(&list_text(&listed, &title, pattern.is_some(), ui.out))?;
    }
    Ok(Exit::Done)
}

/// A kind, an address, or either with `*` for any text.
struct Pattern<'a>(Vec<&'a str>);

impl<'a> Pattern<'a> {
    /// # Errors
    /// A word without `*` that is no kind, or an address of none.
    fn new(text: &'a str) -> Result<Self, Failure> {
        let kind = text.split('.').next().unwrap_or_default();
        if !kind.contains('*') && kinds::find(kind).is_none() {
            let near = nearest(kind, kinds::all().iter().map(|kind| kind.name().to_owned()));
            let message = format!("{text}: unknown kind `{kind}`");
            let help = "give a kind, an address, or a part of it with `*`, as in '*.web*'";
            return Err(Failure::new(Exit::Usage, message, did_you_mean(near, help)));
        }
        Ok(Self(text.split('*').collect()))
    }

    fn matches(&self, address: &Address) -> bool {
        let whole = address.to_string();
        [address.kind(), &whole].into_iter().any(|text| self.fits(text))
    }

    fn fits(&self, text: &str) -> bool {
        let [first, between @ .., last] = &self.0[..] else { return self.0 == [text] };
        let Some(mut rest) = text.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
            return false;
        };
        for part in between {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_kind_or_an_address_or_a_part_of_it() {
        let fits = |pattern: &str, address: &str| {
            Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(&address.parse().expect("an address")))
        };
        for (pattern, is, is_not) in [
            ("subnet", "subnet.public-a", "db_subnet_group.main"),
            ("subnet.public-a", "subnet.public-a", "subnet.public-ab"),
            ("subnet.*", "subnet.public-a", "vpc.main"),
            ("*.web", "ecs_service.web", "ecs_service.web2"),
            ("*web*", "ssm_parameter.web/key", "vpc.main"),
            ("ecs_*.a*b", "ecs_service.a.b", "ecs_service.ba"),
            ("*", "vpc.main", "-"),
        ] {
            assert!(fits(pattern, is), "{pattern} {is}");
            assert!(is_not == "-" || !fits(pattern, is_not), "{pattern} {is_not}");
        }
        assert!(Pattern::new("ecs_servce.web").is_err());
    }
}
