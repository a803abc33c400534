use crate::value::Target;

pub struct EcrRepository;

impl Target for EcrRepository {
    const KIND: &'static str = "ecr_repository";
}
