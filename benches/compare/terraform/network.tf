# Stage 1: network and security groups.

locals {
  subnets = {
    public-a  = { zone = "eu-central-1a", cidr = "10.30.0.0/20" }
    public-b  = { zone = "eu-central-1b", cidr = "10.30.16.0/20" }
    private-a = { zone = "eu-central-1a", cidr = "10.30.128.0/20" }
    private-b = { zone = "eu-central-1b", cidr = "10.30.144.0/20" }
  }
  # Each zone's NAT gateway stands in its public subnet and serves its private one.
  nat = {
    public-a = "private-a"
    public-b = "private-b"
  }
  public_subnets  = [for key in ["public-a", "public-b"] : aws_subnet.this[key].id]
  private_subnets = [for key in ["private-a", "private-b"] : aws_subnet.this[key].id]

  security_groups = {
    alb    = "Load balancer: the internet in, the services out"
    ecs    = "Services"
    broker = "Broker: only services may call it"
    rds    = "Database: only services may call it"
  }
  ingress = {
    alb-http        = { group = "alb", from = 80, to = 80, cidr = "0.0.0.0/0", description = "HTTP, redirected" }
    alb-https       = { group = "alb", from = 443, to = 443, cidr = "0.0.0.0/0", description = "HTTPS" }
    ecs-alb         = { group = "ecs", from = 3000, to = 4000, peer = "alb", description = "the load balancer" }
    ecs-self        = { group = "ecs", from = 1024, to = 65535, peer = "ecs", description = "one another" }
    broker-services = { group = "broker", from = 1026, to = 1026, peer = "ecs", description = "NGSI-LD" }
    rds-services    = { group = "rds", from = 5432, to = 5432, peer = "ecs", description = "PostgreSQL" }
  }
  egress = {
    alb-services = { group = "alb", from = 3000, to = 4000, peer = "ecs", description = "the routed services" }
    ecs-database = { group = "ecs", from = 5432, to = 5432, peer = "rds", description = "the database" }
    ecs-self     = { group = "ecs", from = 1024, to = 65535, peer = "ecs", description = "one another" }
    ecs-broker   = { group = "ecs", from = 1026, to = 1026, peer = "broker", description = "the broker" }
    ecs-http     = { group = "ecs", from = 80, to = 80, cidr = "0.0.0.0/0", description = "outside sources" }
    ecs-https    = { group = "ecs", from = 443, to = 443, cidr = "0.0.0.0/0", description = "AWS and outside sources" }
    ecs-dns      = { group = "ecs", protocol = "udp", from = 53, to = 53, cidr = "0.0.0.0/0", description = "DNS" }
    broker-https = { group = "broker", from = 443, to = 443, cidr = "0.0.0.0/0", description = "AWS" }
    broker-dns   = { group = "broker", protocol = "udp", from = 53, to = 53, cidr = "0.0.0.0/0", description = "DNS" }
  }
}

resource "aws_vpc" "main" {
  cidr_block           = "10.30.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = local.prefix }
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = local.prefix }
}

resource "aws_subnet" "this" {
  for_each          = local.subnets
  vpc_id            = aws_vpc.main.id
  availability_zone = each.value.zone
  cidr_block        = each.value.cidr
  tags              = { Name = "${local.prefix}-${each.key}" }
}

resource "aws_eip" "nat" {
  for_each = local.nat
  domain   = "vpc"
  tags     = { Name = "${local.prefix}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each      = local.nat
  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.this[each.key].id
  tags          = { Name = "${local.prefix}-${each.key}" }
  depends_on    = [aws_internet_gateway.main]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "${local.prefix}-public" }

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }
}

resource "aws_route_table" "private" {
  for_each = local.nat
  vpc_id   = aws_vpc.main.id
  tags     = { Name = "${local.prefix}-${each.value}" }

  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.this[each.key].id
  }
}

resource "aws_route_table_association" "public" {
  for_each       = local.nat
  route_table_id = aws_route_table.public.id
  subnet_id      = aws_subnet.this[each.key].id
}

resource "aws_route_table_association" "private" {
  for_each       = local.nat
  route_table_id = aws_route_table.private[each.key].id
  subnet_id      = aws_subnet.this[each.value].id
}

resource "aws_security_group" "this" {
  for_each    = local.security_groups
  name        = "${local.prefix}-${each.key}"
  description = each.value
  vpc_id      = aws_vpc.main.id
  tags        = { Name = "${local.prefix}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each                     = local.ingress
  security_group_id            = aws_security_group.this[each.value.group].id
  ip_protocol                  = try(each.value.protocol, "tcp")
  from_port                    = each.value.from
  to_port                      = each.value.to
  cidr_ipv4                    = try(each.value.cidr, null)
  referenced_security_group_id = try(aws_security_group.this[each.value.peer].id, null)
  description                  = each.value.description

  # The emulator leaves it out of its answers where the peer is a group.
  lifecycle {
    ignore_changes = [description]
  }
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each                     = local.egress
  security_group_id            = aws_security_group.this[each.value.group].id
  ip_protocol                  = try(each.value.protocol, "tcp")
  from_port                    = each.value.from
  to_port                      = each.value.to
  cidr_ipv4                    = try(each.value.cidr, null)
  referenced_security_group_id = try(aws_security_group.this[each.value.peer].id, null)
  description                  = each.value.description

  # The emulator leaves it out of its answers where the peer is a group.
  lifecycle {
    ignore_changes = [description]
  }
}
