"""Runs the Python on standard input with boto3 at hand, and prints what it leaves in `answer` as JSON.

A snippet sees `client("ec2")`, `pages("ec2", "describe_vpcs", "Vpcs", …)` and `inventory(project, environment)`.
"""

import functools
import json
import sys

import boto3

from inventory import Account


def main():
    account = Account(functools.cache(boto3.client))
    names = {"client": account.client, "pages": account.pages, "inventory": account.inventory, "answer": None}
    exec(compile(sys.stdin.read(), "snippet", "exec"), names)
    print(json.dumps(names["answer"], default=str))


main()
