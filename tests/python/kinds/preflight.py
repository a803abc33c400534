"""What moto does not answer that a preflight asks: quotas, and what RDS offers."""

import json

from moto.core.exceptions import JsonRESTError
from moto.core.responses import PaginatedResult
from moto.ecs.models import Task
from moto.rds.responses import RDSResponse
from moto.servicequotas.responses import ServiceQuotasResponse

# AWS's defaults (https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html), by service and code. The
# tests make more of some than a new account may have.
DEFAULTS = {
    "vpc": {"L-F678F1CE": 50, "L-A4707A72": 50, "L-FE5A380F": 5},
    "ec2": {"L-0263D0A3": 50},
    "fargate": {"L-3032A538": 400},
    "elasticloadbalancing": {"L-53DA6B97": 50},
    "rds": {"L-7B6409FD": 40},
}
# What an account has been given instead, which a test may change.
APPLIED = {service: dict(quotas) for service, quotas in DEFAULTS.items()}

# A class, with what RDS offers on it.
CLASSES = ("db.t4g", "db.t3", "db.m6g", "db.m7g", "db.r6g", "db.r7g", "db.m5", "db.r5")
VERSIONS = {
    "postgres": ("13.22", "14.19", "15.14", "16.3", "16.9", "16.10", "17.4", "17.6"),
    "mysql": ("8.0.39", "8.0.43", "8.4.3", "8.4.6"),
}


def listed(quotas):
    def answer(self):
        service = json.loads(self.body)["ServiceCode"]
        if service not in quotas:
            raise JsonRESTError("NoSuchResourceException", f"The service {service} does not exist")
        named = {"ServiceCode": service, "ServiceName": service}
        found = quotas[service].items()
        return json.dumps({"Quotas": [{**named, "QuotaCode": code, "Value": float(value)} for code, value in found]})

    return answer


def offers(self):
    found = offered(self.params.get("Engine"), self.params.get("DBInstanceClass"))
    return PaginatedResult({"OrderableDBInstanceOptions": found})


def offered(engine, instance_class):
    if not instance_class.startswith(CLASSES):
        return []
    return [
        {
            "Engine": engine,
            "EngineVersion": version,
            "DBInstanceClass": instance_class,
            "LicenseModel": "postgresql-license" if engine == "postgres" else "general-public-license",
            "AvailabilityZones": [{"Name": f"eu-central-1{zone}"} for zone in "abc"],
            "MultiAZCapable": True,
            "Vpc": True,
            "SupportsStorageEncryption": True,
            "StorageType": storage,
            "SupportsPerformanceInsights": True,
        }
        for version in VERSIONS.get(engine, ())
        for storage in ("gp2", "gp3")
    ]


def mend():
    """moto lists quotas of VPCs only, and no offers of PostgreSQL and MySQL; it takes no class to ask for. Its tasks do
    not say how much CPU they have."""
    begin = Task.__init__

    def begin_with_cpu(self, cluster, task_definition, *rest, **named):
        begin(self, cluster, task_definition, *rest, **named)
        self.cpu = task_definition.cpu

    Task.__init__ = begin_with_cpu
    ServiceQuotasResponse.list_service_quotas = listed(APPLIED)
    ServiceQuotasResponse.list_aws_default_service_quotas = listed(DEFAULTS)
    RDSResponse.describe_orderable_db_instance_options = offers
