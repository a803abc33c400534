# Stages 6 and 7: load balancer and DNS.

locals {
  routes = {
    dashboard = { path = "/", status = "200" }
    proxy     = { path = "/api/health", status = "200" }
    payload   = { path = "/admin", status = "200-399" }
  }
  rules = {
    admin-host = { service = "payload", priority = 5, hosts = ["admin.${local.domain}"], sources = ["203.0.113.0/24"] }
    admin      = { service = "payload", priority = 10, paths = ["/admin*"], sources = ["203.0.113.0/24"] }
    api        = { service = "proxy", priority = 20, paths = ["/api*"] }
  }
  names = [local.domain, "admin.${local.domain}"]
}

data "aws_route53_zone" "main" {
  name = local.domain
}

resource "aws_acm_certificate" "main" {
  domain_name               = local.domain
  subject_alternative_names = ["admin.${local.domain}"]
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  for_each = { for option in aws_acm_certificate.main.domain_validation_options : option.domain_name => option }
  zone_id  = data.aws_route53_zone.main.zone_id
  name     = each.value.resource_record_name
  type     = each.value.resource_record_type
  records  = [each.value.resource_record_value]
  ttl      = 60
}

resource "aws_acm_certificate_validation" "main" {
  certificate_arn         = aws_acm_certificate.main.arn
  validation_record_fqdns = [for record in aws_route53_record.validation : record.fqdn]
}

resource "aws_lb" "main" {
  name                       = local.prefix
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = local.public_subnets
  security_groups            = [aws_security_group.this["alb"].id]
  idle_timeout               = 60
  drop_invalid_header_fields = true
  enable_deletion_protection = true
  depends_on                 = [aws_internet_gateway.main]
}

resource "aws_lb_target_group" "this" {
  for_each             = local.routes
  name                 = "${local.prefix}-${each.key}"
  vpc_id               = aws_vpc.main.id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = local.services[each.key].port
  deregistration_delay = 30

  health_check {
    path                = each.value.path
    matcher             = each.value.status
    protocol            = "HTTP"
    port                = "traffic-port"
    interval            = 30
    timeout             = 5
    healthy_threshold   = 3
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.main.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.main.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate_validation.main.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this["dashboard"].arn
  }
}

resource "aws_lb_listener_rule" "this" {
  for_each     = local.rules
  listener_arn = aws_lb_listener.https.arn
  priority     = each.value.priority

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.value.service].arn
  }

  dynamic "condition" {
    for_each = try([each.value.paths], [])
    content {
      path_pattern {
        values = condition.value
      }
    }
  }

  dynamic "condition" {
    for_each = try([each.value.hosts], [])
    content {
      host_header {
        values = condition.value
      }
    }
  }

  dynamic "condition" {
    for_each = try([each.value.sources], [])
    content {
      source_ip {
        values = condition.value
      }
    }
  }
}

resource "aws_route53_record" "this" {
  for_each = toset(local.names)
  zone_id  = data.aws_route53_zone.main.zone_id
  name     = each.key
  type     = "A"

  alias {
    name                   = aws_lb.main.dns_name
    zone_id                = aws_lb.main.zone_id
    evaluate_target_health = false
  }
}
