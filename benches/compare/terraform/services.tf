# Stage 5: cluster, task definitions, services.

locals {
  services = {
    dashboard = {
      image = "sha256:9a3e7c1f5b2d8e4a6c0f3b9d7e1a5c2f8b4d6e0a3c7f1b5d9e2a8c4f6b0d3e71"
      cpu   = 512, memory = 1024, port = 3001, count = 2, retention = 30, group = "dashboard"
      environment = {
        NODE_ENV       = "production"
        PUBLIC_API_URL = "https://${local.domain}/api"
        API_URL        = "http://proxy.prod.legocity.internal:4000/api"
      }
      secrets = {}
    }
    proxy = {
      image       = "sha256:e2c8f4a60b3d9e7f1c5a2b8d4f6e0c3a7b1d5f9e2c8a4b6d0f3e7c1a5b9d2f4e"
      cpu         = 512, memory = 1024, port = 4000, count = 2, retention = 30, group = "proxy"
      environment = { NODE_ENV = "production" }
      secrets     = { BROKER_URL = "broker/url" }
    }
    update-env = {
      image       = "sha256:0c9e4b7a2d5f8e1b6c3a9d0f7e4b2c5a8d1f6e3b0c7a4d9e2f5b8c1a6d3e0f7b"
      cpu         = 256, memory = 512, port = null, count = 1, retention = 30, group = "update-env"
      environment = {}
      secrets = {
        BROKER_URL       = "broker/url"
        BROKER_WRITE_KEY = "broker/write-key/env"
        WEATHER_API_KEY  = "external/weather/api-key"
      }
    }
    broker = {
      image       = "sha256:5d1b1e6d9b0a7f2c4e8d3a6f90b2c7e1458f0d6a3b9c2e7f1a4d8b6c0e3f5a79"
      cpu         = 256, memory = 1024, port = 1026, count = 1, retention = 30, group = "broker"
      environment = {}
      secrets     = { BROKER_WRITE_KEY = "broker/write-key/env" }
    }
    payload = {
      image       = "sha256:71f5d3b9e0c6a2f8d4b7e1c5a3f9d0b6e2c8a4f7d1b5e9c3a0f6d2b8e4c7a1f3"
      cpu         = 512, memory = 1024, port = 3000, count = 2, retention = 90, group = "payload"
      environment = { NODE_ENV = "production", SERVER_URL = "https://${local.domain}" }
      secrets = {
        PAYLOAD_DB_URL = "payload/db-url"
        PAYLOAD_SECRET = "payload/secret"
      }
    }
  }
  # Written out instead of taken from the parameters: otherwise all that is made for each service, down to the log
  # groups, would wait for the database, whose address one parameter holds.
  parameter_arn = "arn:aws:ssm:${local.region}:${local.account}:parameter${local.parameters}"

  trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_ecs_cluster" "main" {
  name = local.prefix

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_service_discovery_private_dns_namespace" "main" {
  name        = "prod.legocity.internal"
  description = "Private names of ${local.prefix}"
  vpc         = aws_vpc.main.id
}

resource "aws_service_discovery_service" "this" {
  for_each    = toset(["broker", "proxy"])
  name        = each.key
  description = "Tasks of ${each.key}"

  dns_config {
    namespace_id   = aws_service_discovery_private_dns_namespace.main.id
    routing_policy = "MULTIVALUE"

    dns_records {
      type = "A"
      ttl  = 10
    }
  }

  health_check_custom_config {
    failure_threshold = 1
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each          = local.services
  name              = "/ecs/${local.prefix}/${each.key}"
  retention_in_days = each.value.retention
}

resource "aws_iam_role" "execution" {
  for_each           = local.services
  name               = "${local.prefix}-${each.key}-execution"
  assume_role_policy = local.trust
}

resource "aws_iam_role" "task" {
  for_each           = local.services
  name               = "${local.prefix}-${each.key}-task"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy" "execution" {
  for_each = local.services
  name     = "execution"
  role     = aws_iam_role.execution[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "Registry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = ["*"]
      },
      {
        Sid      = "Images"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = [aws_ecr_repository.this[each.key].arn]
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.this[each.key].arn}:*"]
      },
      ], length(each.value.secrets) == 0 ? [] : [{
        Sid      = "Parameters"
        Effect   = "Allow"
        Action   = ["ssm:GetParameters"]
        Resource = [for key in values(each.value.secrets) : "${local.parameter_arn}/${key}"]
    }])
  })
}

resource "aws_ecs_task_definition" "this" {
  for_each                 = local.services
  family                   = "${local.prefix}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.value.cpu
  memory                   = each.value.memory
  execution_role_arn       = aws_iam_role.execution[each.key].arn
  task_role_arn            = aws_iam_role.task[each.key].arn

  runtime_platform {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  container_definitions = jsonencode([{
    name         = each.key
    image        = "${aws_ecr_repository.this[each.key].repository_url}@${each.value.image}"
    essential    = true
    portMappings = [for port in each.value.port[*] : { containerPort = port, hostPort = port, protocol = "tcp" }]
    environment  = [for name, value in each.value.environment : { name = name, value = value }]
    secrets      = [for name, key in each.value.secrets : { name = name, valueFrom = "${local.parameter_arn}/${key}" }]
    healthCheck = each.key != "broker" ? null : {
      command     = ["CMD-SHELL", "curl -fsS http://localhost:1026/version || exit 1"]
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 60
    }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this[each.key].name
        awslogs-region        = local.region
        awslogs-stream-prefix = each.key
      }
    }
  }])
}

resource "aws_ecs_service" "this" {
  for_each                           = local.services
  name                               = "${local.prefix}-${each.key}"
  cluster                            = aws_ecs_cluster.main.id
  task_definition                    = aws_ecs_task_definition.this[each.key].arn
  launch_type                        = "FARGATE"
  desired_count                      = each.value.count
  deployment_minimum_healthy_percent = each.key == "broker" ? 0 : 100
  deployment_maximum_percent         = each.key == "broker" ? 100 : 200
  health_check_grace_period_seconds  = contains(keys(local.routes), each.key) ? 60 : null
  propagate_tags                     = "SERVICE"
  wait_for_steady_state              = false

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = local.private_subnets
    security_groups  = [aws_security_group.this[each.value.group].id]
    assign_public_ip = false
  }

  dynamic "load_balancer" {
    for_each = contains(keys(local.routes), each.key) ? [each.value.port] : []
    content {
      container_name   = each.key
      container_port   = load_balancer.value
      target_group_arn = aws_lb_target_group.this[each.key].arn
    }
  }

  dynamic "service_registries" {
    for_each = contains(["broker", "proxy"], each.key) ? [aws_service_discovery_service.this[each.key].arn] : []
    content {
      registry_arn = service_registries.value
    }
  }

  # The emulator leaves these out of its answers.
  lifecycle {
    ignore_changes = [availability_zone_rebalancing, health_check_grace_period_seconds]
  }

  # ECS refuses a target group that no listener uses yet, and no task starts before its role and parameters are there.
  depends_on = [
    aws_iam_role_policy.execution,
    aws_lb_listener.https,
    aws_lb_listener_rule.this,
    aws_ssm_parameter.broker_url,
    aws_ssm_parameter.database_url,
    aws_ssm_parameter.session_secret,
    aws_ssm_parameter.weather_api_key,
    aws_ssm_parameter.write_key,
  ]
}
