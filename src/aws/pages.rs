//! Records that are longer than a parameter holds: in parameters of Baseplate's own, numbered from 1 under one path.

use aws_sdk_ssm::Client as Ssm;
use aws_sdk_ssm::types::{Parameter, ParameterType};

use super::{Aws, CloudError, SdkResult};

/// A standard parameter holds 4 KB and costs nothing.
pub const PAGE: usize = 4096;
/// `DeleteParameters` takes this many names.
const BATCH: usize = 10;

/// Reads what is under the path.
pub async fn read(aws: &Aws, path: &str) -> Result<Vec<Parameter>, CloudError> {
    let pages = aws.client::<Ssm>().get_parameters_by_path().path(path).into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.operation("ssm:GetParametersByPath")?;
    Ok(pages.into_iter().flat_map(|page| page.parameters.unwrap_or_default()).collect())
}

/// Writes the pages that are other ones by now (of thousands of objects, what changes is on one or two), and takes away
/// what an earlier, longer record has left.
pub async fn write(aws: &Aws, path: &str, description: &str, pages: &[String]) -> Result<(), CloudError> {
    // Asked for now: what was read when the run began need not be what is there.
    let there = read(aws, path).await?;
    for (index, page) in pages.iter().enumerate() {
        let name = format!("{path}/{}", index + 1);
        let is_it = |one: &Parameter| one.name() == Some(name.as_str()) && one.value() == Some(page.as_str());
        if there.iter().any(is_it) {
            continue;
        }
        let put = aws.client::<Ssm>().put_parameter().name(name).value(page).r#type(ParameterType::String);
        put.description(description).overwrite(true).send().await.operation("ssm:PutParameter")?;
    }
    for names in beyond(&there, path, pages.len()).chunks(BATCH) {
        let delete = aws.client::<Ssm>().delete_parameters().set_names(Some(names.to_vec()));
        delete.send().await.operation("ssm:DeleteParameters")?;
    }
    Ok(())
}

/// The names of the pages that have a number beyond this one.
fn beyond(parameters: &[Parameter], path: &str, last: usize) -> Vec<String> {
    let number = |name: &str| name.strip_prefix(path)?.strip_prefix('/')?.parse::<usize>().ok();
    let names = parameters.iter().filter_map(Parameter::name);
    names.filter(|name| number(name).is_some_and(|number| number > last)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_beyond_the_last_is_left_over() {
        let path = "/baseplate/town/test/applied";
        let there: Vec<Parameter> =
            (1..=35).map(|number| Parameter::builder().name(format!("{path}/{number}")).build()).collect();
        let left: Vec<String> = (3..=35).map(|number| format!("{path}/{number}")).collect();
        assert_eq!(beyond(&there, path, 2), left);
        assert_eq!(beyond(&there, path, 35), [""; 0]);
        let other = Parameter::builder().name(format!("{path}/notes")).build();
        assert_eq!(beyond(&[other], path, 0), [""; 0]);
    }
}
