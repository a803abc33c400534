"""What there is of each sort of object in an account, for judging what Baseplate did: read with boto3 and nothing of
Baseplate's. Every file here is used, and none is named anywhere: a new kind of Baseplate's needs a file of its own only
for what the index of tags does not tell. Each function that a file has of these is called:

  names(account, environment)   {kind: [name, …]}: what there is of an environment. A kind that is told of with another
                                one has none.
  objects(account)              {kind: [line, …]}: all that is in the account, whoever made it. A line is anything that
                                JSON can hold; it tells an object by what it is. `account.ids` learns which ids stand
                                for what.
  strip(account, keys)          takes these tags off what no index of tags knows
  indexed(account, region)      type, ARN and tags of what AWS's index of tags knows and moto's does not
  mend()                        corrects moto where AWS does otherwise
"""

import functools
import importlib
import pkgutil


@functools.cache
def every(function):
    """That function of each file that has it."""
    files = sorted(file.name for file in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{file}") for file in files]
    return [getattr(module, function) for module in modules if hasattr(module, function)]


def merged(answers):
    """What several files told, by kind. One kind is told of by one file."""
    found = {}
    for answer in answers:
        twice = found.keys() & answer.keys()
        assert not twice, f"two files of tests/python/kinds tell of {twice}"
        found |= answer
    return found
