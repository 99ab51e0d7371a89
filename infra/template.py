"""The template: what Chalice wrote for each unit, put together and given what Chalice has no word for."""

import copy
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra import policy
from infra.bundle import LAMBDA, ROOT, BuildFailed, Target, Unit
from plugins.dynamodb_store.schema import EXPIRES, TABLE

Json = dict[str, Any]

FUNCTION = "AWS::Serverless::Function"
#: Environment variables that name what the template creates; every other one that a stage file asks for is a parameter.
CREATED: Mapping[str, Json | str] = {
    "TABLE": {"Ref": "Table"},
    "BUCKET": {"Ref": "Evidence"},
    "QUEUE_PREFIX": {"Fn::Sub": "${AWS::StackName}-"},
    "SECRETS_PREFIX": {"Ref": "SecretsPrefix"},
}
#: For other places than AWS; unset, the clients find AWS by themselves.
NOT_HERE = frozenset({"DYNAMODB_ENDPOINT"})
#: Disk beyond the 512 MB that every function has, in MB: a bill of some millions of rows lies there in three forms.
DISK = {"ReconcileBills": 4096}
#: Functions that may delete files; no other can.
ERASES = frozenset({"ExpireOriginals"})
#: Where Lambda unpacks a bundle.
LAMBDA_ROOT = "/var/task"
#: The parameter that names a unit's image: by its digest, so that what was tested is what runs.
IMAGE: Json = {
    "Type": "String",
    "AllowedPattern": ".+@sha256:[0-9a-f]{64}",
    "ConstraintDescription": "an image in this account's registry by its digest: REPOSITORY@sha256:…",
    "Description": "The image that infra/vision/Dockerfile makes (infra/vision/README.md says how)",
}
#: How many photos are looked at at the same time, at most: a flood of them waits in its queue and leaves the table to people.
MOST_AT_ONCE = 20
#: A record that fails ten times, alone, is put aside; the records behind it go on.
STREAM_SETTINGS: Json = {
    "StartingPosition": "TRIM_HORIZON",
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "BisectBatchOnFunctionError": True,
    "MaximumRetryAttempts": 10,
    "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}},
}


def assemble(packed: list[tuple[Unit, Json]], stage: Path, target: Target = LAMBDA) -> Json:
    """Give the template for all units. Raises BuildFailed when a trigger or a name has nothing to refer to.

    ``packed`` pairs each unit with what Chalice wrote for it, ``stage`` is the stage file that its functions run with, ``target``
    the machine that they were built for.
    """
    template: Json = {"AWSTemplateFormatVersion": "2010-09-09", "Transform": "AWS::Serverless-2016-10-31"}
    template |= _resources()
    for unit, written in packed:
        variables, parameters = _environment(unit, stage)
        template["Parameters"] |= parameters
        added = copy.deepcopy(written["Resources"])
        if clash := sorted(added.keys() & template["Resources"].keys()):
            raise BuildFailed(f"{unit.name} brings resources that are there already: {', '.join(clash)}")
        template["Resources"] |= added
        template["Outputs"] |= written.get("Outputs", {})
        for name, function in added.items():
            if function["Type"] == FUNCTION:
                _complete(template["Resources"], name, unit, variables, target)
        if unit.image:
            template["Parameters"] |= {_image_of(unit): IMAGE}
    return template


def lint(template: Path) -> None:
    """Raise BuildFailed unless cfn-lint finds nothing at all."""
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--regions", "us-east-1", "--", str(template)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildFailed(f"cfn-lint finds fault with {template.name}:\n{done.stdout}{done.stderr}")


def _resources() -> Json:
    """What ``template.json`` says, the table's keys and indexes taken from the plugin that reads them."""
    template: Json = json.loads((ROOT / "infra" / "template.json").read_text())
    table = template["Resources"]["Table"]["Properties"]
    table |= {name: TABLE[name] for name in ("AttributeDefinitions", "GlobalSecondaryIndexes", "KeySchema")}
    table["TimeToLiveSpecification"]["AttributeName"] = EXPIRES
    return template


def _environment(unit: Unit, stage: Path) -> tuple[Json, Json]:
    """Give the unit's environment and the parameters that it needs, from the ``env:NAME`` settings of the stage file."""
    asked = tomllib.loads(stage.read_text(encoding="utf-8"))
    ports, channels = asked.get("ports", {}), asked.get("channels", {})
    if unit.pays:
        used = {*ports.values(), *channels.values(), "token"}
    else:  # what it does not use it does not know: no payment channels, and where secrets are kept neither
        used = {plugin for port, plugin in ports.items() if port != "secrets"}
    settings = {plugin: values for plugin, values in asked.get("settings", {}).items() if plugin in used}
    variables: Json = {"AFTERSALES_STAGE": f"{LAMBDA_ROOT}/infra/stages/{stage.name}", **unit.variables}
    parameters: Json = {}
    for name, default in sorted(_asked_for(settings), key=str):
        if name in NOT_HERE or name.startswith("AWS_"):  # the latter is Lambda's own to set
            continue
        if name in CREATED:
            variables[name] = CREATED[name]
            continue
        parameter = "".join(word.capitalize() for word in name.split("_"))
        variables[name] = {"Ref": parameter}
        parameters[parameter] = {"Type": "String", "NoEcho": True, "Description": f"{name} of {stage.name}; may be empty if unused"}
        if default is not None:
            parameters[parameter]["Default"] = default
    return variables, parameters


def _asked_for(value: object) -> Iterator[tuple[str, str | None]]:
    """Give each ``env:NAME`` or ``env:NAME|default`` anywhere in the value as name and default."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _asked_for(part)
    elif isinstance(value, list):
        for part in value:
            yield from _asked_for(part)
    elif isinstance(value, str) and value.startswith("env:"):
        name, bar, default = value[4:].partition("|")
        yield name, default if bar else None


def _complete(resources: Json, name: str, unit: Unit, variables: Json, target: Target) -> None:
    """Give the function its code, runtime, environment, log, trigger settings and policy."""
    function = resources[name]["Properties"]
    function |= {
        "Architectures": [target.architecture],
        "Environment": {"Variables": variables},
        "LoggingConfig": {"LogGroup": {"Ref": "Logs"}},
    }
    if unit.image:
        del function["CodeUri"], function["Runtime"]
        function |= {"PackageType": "Image", "ImageUri": {"Ref": _image_of(unit)}}
        function["ImageConfig"] = {"Command": [function.pop("Handler")]}
    else:
        function |= {"CodeUri": f"./{unit.name}.zip", "Runtime": f"python{target.python}"}
    if name in DISK:
        function["EphemeralStorage"] = {"Size": DISK[name]}
    triggers = list(function.get("Events", {}).values())
    for event in triggers:
        _trigger(resources, event)
    role = resources[function["Role"]["Fn::GetAtt"][0]]["Properties"]
    queues = sorted(key for key, resource in resources.items() if key.endswith("Queue") and resource["Type"] == "AWS::SQS::Queue")
    role["Policies"][0]["PolicyDocument"]["Statement"] = policy.statements(
        triggers, queues, secrets=unit.pays, erases=name in ERASES
    )


def _trigger(resources: Json, event: Json) -> None:
    """Point the trigger to the template's own stream or queue, and let single records fail and come back."""
    settings = event["Properties"]
    if event["Type"] == "DynamoDB":
        settings |= STREAM_SETTINGS | {"Stream": {"Fn::GetAtt": ["Table", "StreamArn"]}}
    elif event["Type"] == "SQS":
        queue = _queue(settings["Queue"]["Fn::Sub"])
        if queue not in resources:
            raise BuildFailed(f"a function reads the queue {settings['Queue']['Fn::Sub']}, and template.json has no {queue}")
        settings |= {"Queue": {"Fn::GetAtt": [queue, "Arn"]}, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
        settings["ScalingConfig"] = {"MaximumConcurrency": MOST_AT_ONCE}


def _queue(arn: str) -> str:
    """Give the logical name of the queue that the app calls by name: "photos" and "aftersales-photos" are PhotosQueue."""
    words = re.split(r"[-_]", arn.rsplit(":", 1)[1])
    return "".join(word.capitalize() for word in words if word != "aftersales") + "Queue"


def _image_of(unit: Unit) -> str:
    """Give the name of the parameter that names the unit's image."""
    return f"{unit.name.capitalize()}Image"
