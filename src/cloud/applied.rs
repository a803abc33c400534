//! Where an account keeps what the spec asked for when it was last applied: in parameters of Baseplate's own,
//! `/baseplate/<project>/<environment>/applied/<n>`.

use aws_sdk_ssm::operation::get_parameters_by_path::GetParametersByPathOutput;

use super::{Aws, Class, CloudError, During};
use crate::plan::Applied;
use crate::spec::Environment;

/// A standard parameter holds 4 KB and costs nothing.
const PAGE: usize = 4096;
/// `DeleteParameters` takes this many names.
const BATCH: usize = 10;

fn path(env: &Environment) -> String {
    format!("/baseplate/{}/applied", env.path())
}

/// Reads the record. Who may not read it plans all the same, and sees every change as one that was asked for.
pub(super) async fn read(aws: &Aws, env: &Environment) -> Result<Applied, CloudError> {
    let pages = aws.ssm.get_parameters_by_path().path(path(env)).into_paginator().send();
    let pages = match pages.collect::<Result<Vec<_>, _>>().await.during("ssm:GetParametersByPath") {
        Ok(pages) => pages,
        Err(error) if error.is(Class::Denied) => return Ok(Applied::default()),
        Err(error) => return Err(error),
    };
    let parameters = pages.iter().flat_map(GetParametersByPathOutput::parameters);
    Ok(Applied::of_pages(parameters.filter_map(|parameter| parameter.value())))
}

/// Writes the record, and takes away what an earlier, longer one has left.
pub(super) async fn write(aws: &Aws, env: &Environment, applied: &Applied) -> Result<(), CloudError> {
    use aws_sdk_ssm::types::ParameterType;
    let name = |number: usize| format!("{}/{number}", path(env));
    let pages = applied.pages(PAGE);
    for (index, page) in pages.iter().enumerate() {
        let put = aws.ssm.put_parameter().name(name(index + 1)).value(page).r#type(ParameterType::String);
        let put = put.description("What Baseplate applied last, as digests").overwrite(true);
        put.send().await.during("ssm:PutParameter")?;
    }
    let beyond = (pages.len() + 1..=pages.len() + BATCH).map(name).collect();
    aws.ssm.delete_parameters().set_names(Some(beyond)).send().await.during("ssm:DeleteParameters")?;
    Ok(())
}
