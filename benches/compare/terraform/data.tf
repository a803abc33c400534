# Stages 2 to 4: database, registries, parameters.

locals {
  parameters = "/${local.project}/${local.environment}"
  database   = aws_db_instance.payload

  database_login = "${local.database.username}:${var.database_password}"
}

resource "aws_db_subnet_group" "payload" {
  name        = "${local.prefix}-payload"
  description = "Subnets of database payload"
  subnet_ids  = local.private_subnets
}

resource "aws_db_instance" "payload" {
  identifier                   = "${local.prefix}-payload"
  engine                       = "postgres"
  engine_version               = "16"
  instance_class               = "db.t4g.medium"
  allocated_storage            = 50
  max_allocated_storage        = 200
  storage_type                 = "gp3"
  storage_encrypted            = true
  db_name                      = "payload"
  username                     = "payload"
  password                     = var.database_password
  port                         = 5432
  db_subnet_group_name         = aws_db_subnet_group.payload.name
  vpc_security_group_ids       = [aws_security_group.this["rds"].id]
  publicly_accessible          = false
  multi_az                     = true
  backup_retention_period      = 14
  backup_window                = "02:00-03:00"
  maintenance_window           = "sun:03:30-sun:04:30"
  auto_minor_version_upgrade   = true
  copy_tags_to_snapshot        = true
  performance_insights_enabled = true
  deletion_protection          = true
  apply_immediately            = false
  skip_final_snapshot          = false
  final_snapshot_identifier    = "${local.prefix}-payload-final"

  # The emulator leaves it out of its answers.
  lifecycle {
    ignore_changes = [performance_insights_enabled]
  }
}

resource "aws_ecr_repository" "this" {
  for_each             = toset(["broker", "payload", "proxy", "dashboard", "update-env"])
  name                 = "${local.project}-${each.key}"
  image_tag_mutability = "MUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each   = aws_ecr_repository.this
  repository = each.value.name
  policy = jsonencode({
    rules = concat([{
      rulePriority = 1
      description  = "untagged for 7 days"
      selection = {
        tagStatus   = "untagged"
        countType   = "sinceImagePushed"
        countUnit   = "days"
        countNumber = 7
      }
      action = { type = "expire" }
      }], [for index, pattern in ["dev-*", "prod-*", "*"] : {
      rulePriority = index + 2
      description  = "beyond 30 of ${["dev", "prod", "the rest"][index]}"
      selection = {
        tagStatus      = "tagged"
        tagPatternList = [pattern]
        countType      = "imageCountMoreThan"
        countNumber    = 30
      }
      action = { type = "expire" }
    }])
  })
}

resource "aws_ssm_parameter" "broker_url" {
  name           = "${local.parameters}/broker/url"
  type           = "String"
  insecure_value = "http://broker.${aws_service_discovery_private_dns_namespace.main.name}:1026"
}

resource "aws_ssm_parameter" "write_key" {
  name        = "${local.parameters}/broker/write-key/env"
  description = "Lets update-env write to the broker"
  type        = "SecureString"
  value       = var.write_key
}

resource "aws_ssm_parameter" "database_password" {
  name        = "${local.parameters}/payload/db-password"
  description = "Master password of database payload"
  type        = "SecureString"
  value       = var.database_password
}

resource "aws_ssm_parameter" "database_url" {
  name  = "${local.parameters}/payload/db-url"
  type  = "SecureString"
  value = "postgres://${local.database_login}@${local.database.endpoint}/${local.database.db_name}"
}

resource "aws_ssm_parameter" "session_secret" {
  name        = "${local.parameters}/payload/secret"
  description = "Signs PayloadCMS sessions"
  type        = "SecureString"
  value       = var.session_secret
}

resource "aws_ssm_parameter" "weather_api_key" {
  name        = "${local.parameters}/external/weather/api-key"
  description = "Weather source of update-env"
  type        = "SecureString"
  value       = var.weather_api_key
}
