//! Where an account keeps what the spec asked for when it was last applied, and the list of kinds: in parameters of
//! Baseplate's own, `/baseplate/<project>/<environment>/applied/<n>` and `…/applied/kinds`.

use std::time::SystemTime;

use aws_sdk_ssm::Client as Ssm;
use aws_sdk_ssm::types::{Parameter, ParameterType};

use super::Applied;
use super::kind_list::{KindList, ListChange, NewerList, parameter};
use crate::aws::{Aws, CloudError, ErrorClass, SdkResult, pages};
use crate::spec::Environment;

fn path(env: &Environment) -> String {
    format!("/baseplate/{}/applied", env.path())
}

/// Reads the record and the list. Who may not read them plans all the same: every change is then one that was asked
/// for, and every kind is read.
pub async fn read(aws: &Aws, env: &Environment) -> Result<(Applied, Option<KindList>), CloudError> {
    let parameters = match pages::read(aws, &path(env)).await {
        Ok(parameters) => parameters,
        Err(error) if error.is(ErrorClass::Denied) || error.is(ErrorClass::Rejected) => {
            return Ok((Applied::default(), None));
        }
        Err(error) => return Err(error),
    };
    let is_list = |one: &&Parameter| one.name() == Some(&*parameter(env));
    let (lists, pages): (Vec<_>, Vec<_>) = parameters.iter().partition(is_list);
    let applied = Applied::of_pages(pages.into_iter().filter_map(Parameter::value));
    Ok((applied, lists.into_iter().find_map(list)))
}

fn list(parameter: &Parameter) -> Option<KindList> {
    let written = parameter.last_modified_date().and_then(|written| SystemTime::try_from(*written).ok());
    KindList::parse(parameter.value()?, written.unwrap_or_else(SystemTime::now))
}

pub async fn write(aws: &Aws, env: &Environment, applied: &Applied) -> Result<(), CloudError> {
    let pages = applied.pages(pages::PAGE);
    pages::write(aws, &path(env), "What Baseplate applied last, as digests", &pages).await
}

/// Makes the change to the list as it is now, which who may not read by path has not seen yet.
///
/// # Errors
/// A call that failed; a list that a newer Baseplate wrote.
pub async fn change_list(aws: &Aws, env: &Environment, change: &ListChange) -> Result<(), CloudError> {
    let name = parameter(env);
    let answer = aws.client::<Ssm>().get_parameter().name(&name).send().await.optional("ssm:GetParameter")?;
    let there = answer.and_then(|answer| answer.parameter).as_ref().and_then(list);
    if let Some(list) = &there {
        let unknown = |error: NewerList| CloudError::new("ssm:GetParameter", "UnknownKind", error.to_string());
        list.check_known(env).map_err(unknown)?;
    }
    let Some(kinds) = change.of(there.as_ref()) else { return Ok(()) };
    if kinds.is_empty() {
        aws.client::<Ssm>().delete_parameters().names(name).send().await.operation("ssm:DeleteParameters")?;
    } else {
        let put = aws
            .client::<Ssm>()
            .put_parameter()
            .name(name)
            .value(KindList::text(&kinds))
            .r#type(ParameterType::String);
        let put = put.description("Kinds of which this environment may have objects; Baseplate reads these");
        put.overwrite(true).send().await.operation("ssm:PutParameter")?;
    }
    Ok(())
}
