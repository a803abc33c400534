//! Where an account keeps what the spec asked for when it was last applied: in parameters of Baseplate's own,
//! `/baseplate/<project>/<environment>/applied/<n>`.

use aws_sdk_ssm::types::Parameter;

use super::Applied;
use crate::aws::{Aws, Class, CloudError, pages};
use crate::spec::Environment;

fn path(env: &Environment) -> String {
    format!("/baseplate/{}/applied", env.path())
}

/// Reads the record. Who may not read it plans all the same, and sees every change as one that was asked for.
pub async fn read(aws: &Aws, env: &Environment) -> Result<Applied, CloudError> {
    let parameters = match pages::read(aws, &path(env)).await {
        Ok(parameters) => parameters,
        Err(error) if error.is(Class::Denied) => return Ok(Applied::default()),
        Err(error) => return Err(error),
    };
    Ok(Applied::of_pages(parameters.iter().filter_map(Parameter::value)))
}

pub async fn write(aws: &Aws, env: &Environment, applied: &Applied) -> Result<(), CloudError> {
    let pages = applied.pages(pages::PAGE);
    pages::write(aws, &path(env), "What Baseplate applied last, as digests", &pages).await
}
