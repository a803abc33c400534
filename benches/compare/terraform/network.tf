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
    alb        = "Load balancer: the internet in, the services out"
    dashboard  = "Dashboard"
    proxy      = "Proxy: the API"
    payload    = "PayloadCMS: the admin pages"
    update-env = "Update server: nobody calls it"
    broker     = "Broker: only who reads and writes entities may call it"
    rds        = "Database: only PayloadCMS may call it"
  }
  ingress = {
    alb-http        = { group = "alb", port = 80, cidr = "0.0.0.0/0", description = "HTTP, redirected" }
    alb-https       = { group = "alb", port = 443, cidr = "0.0.0.0/0", description = "HTTPS" }
    dashboard-alb   = { group = "dashboard", port = 3001, peer = "alb", description = "the load balancer" }
    proxy-alb       = { group = "proxy", port = 4000, peer = "alb", description = "the load balancer" }
    proxy-dashboard = { group = "proxy", port = 4000, peer = "dashboard", description = "pages that the server renders" }
    payload-alb     = { group = "payload", port = 3000, peer = "alb", description = "the load balancer" }
    broker-proxy    = { group = "broker", port = 1026, peer = "proxy", description = "reads" }
    broker-update   = { group = "broker", port = 1026, peer = "update-env", description = "writes" }
    rds-payload     = { group = "rds", port = 5432, peer = "payload", description = "PostgreSQL" }
  }
  egress = {
    alb-payload      = { group = "alb", port = 3000, peer = "payload", description = "admin pages" }
    alb-proxy        = { group = "alb", port = 4000, peer = "proxy", description = "API" }
    alb-dashboard    = { group = "alb", port = 3001, peer = "dashboard", description = "everything else" }
    dashboard-proxy  = { group = "dashboard", port = 4000, peer = "proxy", description = "the API, for pages that the server renders" }
    dashboard-https  = { group = "dashboard", port = 443, cidr = "0.0.0.0/0", description = "AWS" }
    proxy-broker     = { group = "proxy", port = 1026, peer = "broker", description = "the broker" }
    proxy-https      = { group = "proxy", port = 443, cidr = "0.0.0.0/0", description = "AWS" }
    payload-database = { group = "payload", port = 5432, peer = "rds", description = "the database" }
    payload-https    = { group = "payload", port = 443, cidr = "0.0.0.0/0", description = "AWS" }
    update-broker    = { group = "update-env", port = 1026, peer = "broker", description = "the broker" }
    update-http      = { group = "update-env", port = 80, cidr = "0.0.0.0/0", description = "outside sources" }
    update-https     = { group = "update-env", port = 443, cidr = "0.0.0.0/0", description = "AWS and outside sources" }
    broker-https     = { group = "broker", port = 443, cidr = "0.0.0.0/0", description = "AWS" }
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
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
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
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  cidr_ipv4                    = try(each.value.cidr, null)
  referenced_security_group_id = try(aws_security_group.this[each.value.peer].id, null)
  description                  = each.value.description

  # The emulator leaves it out of its answers where the peer is a group.
  lifecycle {
    ignore_changes = [description]
  }
}
