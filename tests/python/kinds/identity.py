"""Roles. No index of tags knows them."""


def names(account, environment):
    return {"iam_role": environment.pick(account, "iam", "list_roles", "Roles", "RoleName")}


def objects(account):
    roles = account.pages("iam", "get_account_authorization_details", "RoleDetailList", Filter=["Role"])
    return {
        "iam_role": [
            [
                *(one["RoleName"], account.owner(one.get("Tags"))),
                [policy["PolicyName"] for policy in one["RolePolicyList"]],
                [policy["PolicyName"] for policy in one["AttachedManagedPolicies"]],
            ]
            for one in roles
        ]
    }


def strip(account, keys):
    for one in account.pages("iam", "list_roles", "Roles"):
        account.client("iam").untag_role(RoleName=one["RoleName"], TagKeys=keys)
