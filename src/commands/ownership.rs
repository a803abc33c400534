//! `adopt` and `forget`: whose an object is changes, and nothing else is done.

use std::collections::BTreeSet;

use super::Failure;
use super::apply::{Control, Work, run, unless_stopped};
use super::lock::locked;
use super::missing_images::Missing;
use super::names;
use super::options::{self, Use};
use super::plan::Planned;
use super::session::{Session, today, with_cloud};
use crate::apply::{Stop, only};
use crate::cli::{Exit, OwnershipArgs};
use crate::plan::{
    self, Action, AddressPattern, Allowances, Change, Conflict, ExecutionPlan, Options, PlanError, Sources,
};
use crate::render::Beside;
use crate::ui::{Detail, Ui};
use crate::value::Address;

/// Takes over what exists where the spec wants it: what differs of it is changed with that.
pub async fn adopt(ui: Ui, args: &OwnershipArgs) -> Result<Exit, Failure> {
    options::of_cloud(&args.cloud, Use::Writes)?;
    let mut session = Session::open(ui, &args.spec, &args.cloud, None).await?;
    let named = args.addresses.iter().map(|pattern| names::adoptable("adopt", pattern, &session.graph));
    let Asked { by_address, all: asked } = Asked::of(&named.collect::<Result<Vec<_>, _>>()?);
    session.guard().await?;
    locked(ui, &mut session, &args.spec, "adopt", args.run.lock, async |session, lock, stop| {
        let options = Options { adopt: asked.clone(), ..looking(session) };
        let mut execution = planned(session, &options, &asked, stop).await?;
        for address in &asked {
            let change = execution.plan.changes.iter().find(|change| change.address == *address);
            match change.map(|change| change.action) {
                Some(Action::Adopt) => {}
                // Of what derives from an entry, some may be there and some not.
                _ if !by_address.contains(address) => {}
                Some(Action::Create) => {
                    let message =
                        format!("{address} does not exist: there is nothing to adopt, and nothing was changed");
                    return Err(Failure::new(Exit::Refused, message, "`apply` creates it"));
                }
                _ => execution.plan.notes.push(format!("{address}: it has all ownership tags already")),
            }
        }
        let is_asked = |change: &Change| change.action == Action::Adopt && asked.contains(&change.address);
        if by_address.is_empty() && !execution.plan.changes.iter().any(is_asked) {
            let message =
                format!("adopt {}: there is nothing to adopt, and nothing was changed", listed(&args.addresses));
            return Err(Failure::new(Exit::Refused, message, "`plan` shows what an apply would do"));
        }
        carry_out(ui, session, args, execution, is_asked, Control { lock, stop }).await
    })
    .await
}

/// Takes the ownership tags off what the spec has no longer, and it out of the record.
pub async fn forget(ui: Ui, args: &OwnershipArgs) -> Result<Exit, Failure> {
    options::of_cloud(&args.cloud, Use::Writes)?;
    let mut session = Session::open(ui, &args.spec, &args.cloud, None).await?;
    let named = args.addresses.iter().map(|pattern| names::forgettable(pattern, &session.graph, &session.spec.env));
    let Asked { by_address, all: asked } = Asked::of(&named.collect::<Result<Vec<_>, _>>()?);
    session.guard().await?;
    locked(ui, &mut session, &args.spec, "forget", args.run.lock, async |session, lock, stop| {
        let options = Options { forget: asked.clone(), ..looking(session) };
        let mut execution = planned(session, &options, &asked, stop).await?;
        let is_forgotten = |change: &Change| change.action == Action::Forget;
        let due: BTreeSet<&Address> = execution
            .plan
            .changes
            .iter()
            .filter(|change| is_forgotten(change))
            .map(|change| &change.address)
            .collect();
        let others: Vec<&Address> = asked.iter().filter(|address| !due.contains(address)).collect();
        if due.is_empty() && !others.iter().any(|address| execution.applied.knows(address)) {
            let message = format!(
                "forget {}: no live object of this environment has that address; nothing was changed",
                listed(&args.addresses)
            );
            return Err(Failure::new(Exit::Usage, message, options::EVERY_LIVE_ADDRESS));
        }
        // A run that died may have forgotten some already.
        let others = others.iter().filter(|address| by_address.contains(address));
        let notes = others.map(|address| format!("{address}: no live object of this environment has that address"));
        execution.plan.notes.extend(notes.collect::<Vec<_>>());
        carry_out(ui, session, args, execution, is_forgotten, Control { lock, stop }).await
    })
    .await
}

/// Every kind is read, and what stands in the way of other objects stops nothing.
fn looking(session: &Session) -> Options {
    Options { looks_only: true, spec_digest: session.spec.digest.clone(), today: today(), ..Options::default() }
}

async fn planned(
    session: &Session,
    options: &Options,
    asked: &BTreeSet<Address>,
    stop: &Stop,
) -> Result<ExecutionPlan, Failure> {
    let reads = plan::make(session.cloud.as_ref(), session.context(&session.graph), options);
    let mut execution = unless_stopped(stop, async { reads.await.map_err(Failure::from) }).await?;
    let is_asked = |conflict: &&Conflict| conflict.address().is_some_and(|address| asked.contains(address));
    let conflicts: Vec<Conflict> = execution.conflicts.iter().filter(is_asked).cloned().collect();
    if !conflicts.is_empty() {
        return Err(PlanError::Conflicts(conflicts).into());
    }
    execution.locate(&Sources::of(&session.graph, &session.spec.tree));
    // What stands in the way of other objects is an apply's to say.
    execution.plan.refused.clear();
    Ok(execution)
}

/// Shows these changes alone, and makes them.
async fn carry_out(
    ui: Ui,
    session: &Session,
    args: &OwnershipArgs,
    execution: ExecutionPlan,
    is_asked: impl Fn(&Change) -> bool,
    control: Control<'_>,
) -> Result<Exit, Failure> {
    options::failable(&args.cloud, &session.graph, &execution)?;
    let mut execution = only(execution, &Allowances::default(), &is_asked)?;
    let others: Vec<String> = execution
        .plan
        .changes
        .iter()
        .filter(|change| !is_asked(change))
        .map(|change| change.address.to_string())
        .collect();
    if !others.is_empty() {
        let message = format!("this needs changes of {} first; nothing was changed", others.join(", "));
        return Err(Failure::new(
            Exit::Refused,
            message,
            "apply those first, or `apply --adopt` makes all of them",
        ));
    }
    if !execution.left.changes.is_empty() {
        let (count, spec) = (execution.left.changes.len(), with_cloud(&args.spec, &args.cloud));
        let what = if count == 1 { "1 other change is" } else { &format!("{count} other changes are") };
        execution.plan.notes.push(format!("{what} left: `baseplate plan {spec}` shows what an apply does"));
        let deleted = execution.left.changes.iter().filter(|change| change.action == Action::Delete);
        let deleted: Vec<String> = deleted.map(|change| change.address.to_string()).collect();
        if !deleted.is_empty() {
            let all = deleted.join(", ");
            execution.plan.notes.push(format!("the next apply deletes {all}: forget what is still needed, too"));
        }
    }
    let planned = Planned::of(execution)?;
    let (shown, missing) = (&(planned.execution.plan.clone(), Beside::default()), &Missing::default());
    let detail = Detail::Short;
    let work =
        Work { graph: &session.graph, planned: &planned, shown, detail, missing, preflight: None, next: None };
    run(ui, session, work, &args.run, false, control).await
}

/// What is named by itself, and all that is named, also by paths.
struct Asked {
    by_address: BTreeSet<Address>,
    all: BTreeSet<Address>,
}

impl Asked {
    fn of(patterns: &[AddressPattern]) -> Self {
        let one = |pattern: &AddressPattern| match pattern {
            AddressPattern::One(address) => Some(address.clone()),
            _ => None,
        };
        Self {
            by_address: patterns.iter().filter_map(one).collect(),
            all: patterns.iter().flat_map(AddressPattern::addresses).cloned().collect(),
        }
    }
}

fn listed(patterns: &[AddressPattern]) -> String {
    patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
