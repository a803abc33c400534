# The environment of environments/prod.toml, object for object, for Terraform: what compare.py holds Baseplate
# against. Baseplate itself never reads this. Two things differ by nature: Baseplate's TXT records that say whose a DNS
# record is have no counterpart, and passwords are variables, since a second provider would be needed to make them.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"
    }
  }
}

variable "endpoint" {
  description = "The URL of the emulator, or of the proxy before it"
  type        = string
}

variable "database_password" {
  type      = string
  sensitive = true
}

variable "write_key" {
  type      = string
  sensitive = true
}

variable "session_secret" {
  type      = string
  sensitive = true
}

variable "weather_api_key" {
  type      = string
  sensitive = true
}

locals {
  project     = "legocity"
  environment = "prod"
  prefix      = "${local.project}-${local.environment}"
  account     = "123456789012"
  region      = "eu-central-1"
  domain      = "legocity.example"
  tags        = { project = local.project, environment = local.environment, team = "city" }
}

provider "aws" {
  region = local.region

  # The account's id is still asked for, as Baseplate does before anything else.
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true

  default_tags {
    tags = local.tags
  }

  endpoints {
    acm              = var.endpoint
    cloudwatchlogs   = var.endpoint
    ec2              = var.endpoint
    ecr              = var.endpoint
    ecs              = var.endpoint
    elbv2            = var.endpoint
    iam              = var.endpoint
    rds              = var.endpoint
    route53          = var.endpoint
    servicediscovery = var.endpoint
    ssm              = var.endpoint
    sts              = var.endpoint
  }
}
