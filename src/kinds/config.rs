pub mod ssm_parameter;
