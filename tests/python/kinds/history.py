"""CloudTrail's event history, which moto does not have: it tells what a test has recorded there."""

import json
from calendar import timegm
from time import strptime

from moto.cloudtrail.responses import CloudTrailResponse

# By region, as `LookupEvents` tells them.
EVENTS = {}

# An administrator in the console, as CloudTrail records it.
ALICE = {
    "eventVersion": "1.10",
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLEEXAMPLE123:alice",
        "arn": "arn:aws:sts::123456789012:assumed-role/admin/alice",
        "accountId": "123456789012",
        "accessKeyId": "ASIAEXAMPLEEXAMPLE12",
    },
    "eventTime": "2026-11-28T01:20:33Z",
    "sourceIPAddress": "203.0.113.7",
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0",
    "readOnly": False,
    "eventType": "AwsApiCall",
    "managementEvent": True,
    "eventCategory": "Management",
    "sessionCredentialFromConsole": "true",
}


def record(region, resource, name, **other):
    """Records a call of ALICE's about a resource, with `other` members in place of hers."""
    told = {**ALICE, "eventName": name, "awsRegion": region, **other}
    event = {
        "EventId": f"0a1b2c3d-{len(EVENTS.get(region, [])):04}",
        "EventName": name,
        "ReadOnly": json.dumps(told["readOnly"]),
        "EventTime": timegm(strptime(told["eventTime"], "%Y-%m-%dT%H:%M:%SZ")),
        "Username": "alice",
        "Resources": [{"ResourceType": None, "ResourceName": resource}],
        "CloudTrailEvent": json.dumps(told),
    }
    EVENTS.setdefault(region, []).append(event)


def looked_up(self):
    """The newest first, in pages."""
    asked = json.loads(self.body)
    [attribute] = asked["LookupAttributes"]
    assert attribute["AttributeKey"] == "ResourceName", attribute
    found = [
        event
        for event in sorted(EVENTS.get(self.region, []), key=lambda event: -event["EventTime"])
        if any(one["ResourceName"] == attribute["AttributeValue"] for one in event["Resources"])
    ]
    begin, size = int(asked.get("NextToken", 0)), asked.get("MaxResults", 50)
    answer = {"Events": found[begin : begin + size]}
    if begin + size < len(found):
        answer["NextToken"] = str(begin + size)
    return json.dumps(answer)


def mend():
    CloudTrailResponse.lookup_events = looked_up
