"""Clusters, services and how these find one another."""

from moto.servicediscovery.models import ServiceDiscoveryBackend, servicediscovery_backends


def clusters(account):
    """The active ones: what is deleted stays readable for a while, as INACTIVE."""
    arns = account.pages("ecs", "list_clusters", "clusterArns")
    found = account.client("ecs").describe_clusters(clusters=arns)["clusters"] if arns else []
    return [one["clusterName"] for one in found if one["status"] != "INACTIVE"]


def services(account):
    """The same of services."""
    found = []
    for cluster in account.pages("ecs", "list_clusters", "clusterArns"):
        arns = account.pages("ecs", "list_services", "serviceArns", cluster=cluster)
        for first in range(0, len(arns), 10):
            described = account.client("ecs").describe_services(cluster=cluster, services=arns[first : first + 10])
            found += described["services"]
    return [one for one in found if one["status"] != "INACTIVE"]


def revisions(account):
    """With its number: a revision that was registered twice shows even when one of them went again."""
    found = account.pages("ecs", "list_task_definitions", "taskDefinitionArns", status="ACTIVE")
    return [arn.split("/")[-1] for arn in found]


def names(account, environment):
    found = {
        "ecs_cluster": clusters(account),
        "ecs_service": [one["serviceName"] for one in services(account)],
        "task_definition": revisions(account),
        "discovery_namespace": [
            one["Name"] for one in account.pages("servicediscovery", "list_namespaces", "Namespaces")
        ],
    }
    found = {kind: [name for name in names if environment.owns(name)] for kind, names in found.items()}
    # Its name does not tell the environment: the caller's account holds one only.
    discovered = account.pages("servicediscovery", "list_services", "Services")
    return {**found, "discovery_service": [one["Name"] for one in discovered]}


def objects(account):
    return {
        "ecs_cluster": clusters(account),
        "ecs_service": [
            [
                *(one["serviceName"], one["desiredCount"], one["taskDefinition"].split("/")[-1]),
                *(one["loadBalancers"], len(one["serviceRegistries"])),
            ]
            for one in services(account)
        ],
        "task_definition": revisions(account),
        "discovery_namespace": account.pick("servicediscovery", "list_namespaces", "Namespaces", "Name"),
        "discovery_service": account.pick("servicediscovery", "list_services", "Services", "Name"),
    }


def indexed(account, region):
    discovery = servicediscovery_backends[account][region]
    for kind, found in (("namespace", discovery.namespaces), ("service", discovery.services)):
        for one in found.values():
            yield f"servicediscovery:{kind}", one.arn, discovery.tagger.get_tag_dict_for_resource(one.arn)


def mend():
    """moto lets a VPC have one private namespace only. AWS refuses just a second one of the same name."""
    create = ServiceDiscoveryBackend.create_private_dns_namespace

    def create_beside_others(self, name, *rest, **named):
        others = {key: one for key, one in self.namespaces.items() if one.name != name}
        self.namespaces = {key: one for key, one in self.namespaces.items() if one.name == name}
        try:
            return create(self, name, *rest, **named)
        finally:
            self.namespaces |= others

    ServiceDiscoveryBackend.create_private_dns_namespace = create_beside_others
