"""What is deployed is private, durable, and may do no more than it must."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aftersales.case import TIMEOUTS, State
from infra import bundle, policy
from infra.bundle import API, BOUNDS, LAMBDA, ROOT, VISION, VISION_ZIP, BuildFailed
from infra.template import FUNCTION, assemble, lint
from plugins.dynamodb_store.schema import INDEXES

STAGE = """
[channels]
some = "some_channel"
[ports]
store = "dynamodb_store"
secrets = "aws_secrets"
[settings.aws_secrets]
prefix = "env:SECRETS_PREFIX"
[settings.token]
secret = "secret:token"
jwks = "env:TOKEN_JWKS"
[settings.dynamodb_store]
table = "env:TABLE"
region = "env:AWS_REGION"
endpoint = "env:DYNAMODB_ENDPOINT"
phone_key = "secret:phone_key"
[[settings.some_channel.keys]]
word = "env:CHANNEL_WORD|hello"
[settings.channel_that_is_off]
word = "env:UNUSED"
"""


def function(events: dict[str, Any], role: str) -> dict[str, Any]:
    """A function as Chalice writes it, with its role."""
    base = {"Handler": "app.x", "CodeUri": "./deployment.zip", "Runtime": "python3.11", "Timeout": 60, "MemorySize": 512}
    properties = {**base, "Role": {"Fn::GetAtt": [role, "Arn"]}, **({"Events": events} if events else {})}
    return {"Type": FUNCTION, "Properties": properties}


def role() -> dict[str, Any]:
    """A role as Chalice writes it."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    empty = {"PolicyName": "P", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}
    properties = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}, "Policies": [empty]}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def stream_event() -> dict[str, Any]:
    """A stream trigger as Chalice writes it."""
    settings = {"Stream": "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/x", "BatchSize": 50, "StartingPosition": "LATEST"}
    return {"E": {"Type": "DynamoDB", "Properties": settings}}


def queue_event(name: str = "photos") -> dict[str, Any]:
    """A queue trigger as Chalice writes it."""
    arn = {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:" + name}
    return {"E": {"Type": "SQS", "Properties": {"Queue": arn, "BatchSize": 5}}}


def packed() -> list[tuple[Any, dict[str, Any]]]:
    """Both units as Chalice leaves them: one function without trigger, one on the stream, one on a queue."""
    api = {
        "Plain": function({}, "PlainRole"),
        "PlainRole": role(),
        "After": function(stream_event(), "AfterRole"),
        "AfterRole": role(),
    }
    vision = {"Photos": function(queue_event(), "PhotosRole"), "PhotosRole": role()}
    return [(API, {"Resources": api, "Outputs": {}}), (VISION, {"Resources": vision})]


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """A stage file with created names, secrets, a parameter, a default and one of Lambda's own."""
    path = tmp_path / "cloud.toml"
    path.write_text(STAGE)
    return path


@pytest.fixture
def template(stage: Path) -> dict[str, Any]:
    """The template of both units."""
    return assemble(packed(), stage)


def statements(template: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """The statements of a role by their name."""
    document = template["Resources"][name]["Properties"]["Policies"][0]["PolicyDocument"]
    return {statement["Sid"]: statement for statement in document["Statement"]}


def functions(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The properties of each function."""
    return (found["Properties"] for found in template["Resources"].values() if is_function(found))


def is_function(resource: dict[str, Any]) -> bool:
    """Whether the resource is one."""
    return bool(resource["Type"] == FUNCTION)


def test_a_template_that_cfn_lint_doubts_ends_the_build(template: dict[str, Any], tmp_path: Path) -> None:
    """One wrong word in the template is named and fails the build; ``test_package`` shows that the real one passes."""
    path = tmp_path / "template.json"
    template["Resources"]["Table"]["Properties"]["BillingMode"] = "FREE"
    path.write_text(json.dumps(template))
    with pytest.raises(BuildFailed, match="FREE"):
        lint(path)


def test_every_function_runs_the_target_and_logs_to_one_group(template: dict[str, Any], stage: Path) -> None:
    """Runtime and CPU are the ones that the wheels were installed for, never the building machine's."""
    found = list(functions(template))
    assert len(found) == 3
    zipped = [each for each in found if "CodeUri" in each]
    assert {(each["Runtime"], each["CodeUri"]) for each in zipped} == {("python3.13", "./api.zip")}
    assert {each["LoggingConfig"]["LogGroup"]["Ref"] for each in found} == {"Logs"}
    for name, target in bundle.MACHINES.items():
        made = assemble(packed(), stage, target)
        assert {*(one for each in functions(made) for one in each["Architectures"])} == {name}


def test_the_photo_function_is_an_image_by_its_digest(template: dict[str, Any]) -> None:
    """What looks at photos runs the image that the operator names, and its digest, so that a moved tag changes nothing."""
    photos = template["Resources"]["Photos"]["Properties"]
    assert (photos["PackageType"], photos["ImageUri"]) == ("Image", {"Ref": "VisionImage"})
    assert photos["ImageConfig"] == {"Command": ["app.x"]}
    assert {"Handler", "CodeUri", "Runtime"}.isdisjoint(photos)
    pattern = template["Parameters"]["VisionImage"]["AllowedPattern"]
    repository = "123456789012.dkr.ecr.eu-west-1.example/aftersales"
    assert re.fullmatch(pattern, f"{repository}@sha256:{'0a' * 32}")
    for moving in (repository, f"{repository}:latest", f"{repository}@sha256:0a"):
        assert not re.fullmatch(pattern, moving)


def test_the_photo_function_may_be_a_zip(stage: Path) -> None:
    """Without the reader of words it is a zip like the others, and no image is asked for."""
    made = assemble([(VISION_ZIP if unit is VISION else unit, written) for unit, written in packed()], stage)
    photos = made["Resources"]["Photos"]["Properties"]
    assert (photos["CodeUri"], photos["Runtime"], photos["Handler"]) == ("./vision.zip", "python3.13", "app.x")
    assert {"PackageType", "ImageUri", "ImageConfig"}.isdisjoint(photos)
    assert "VisionImage" not in made["Parameters"]


def test_the_libraries_of_the_photo_function_are_bounded(template: dict[str, Any]) -> None:
    """Its threads and heaps are limited before any library is loaded; no other function is told so."""
    told = {name: one["Properties"]["Environment"]["Variables"] for name, one in template["Resources"].items() if is_function(one)}
    assert {name for name, variables in told.items() if set(BOUNDS) & set(variables)} == {"Photos"}
    assert told["Photos"].items() >= BOUNDS.items()


def test_the_stream_reports_single_failures_and_puts_poison_aside(template: dict[str, Any]) -> None:
    """One bad record never blocks its shard for a day: the batch is split, retried ten times and put aside."""
    settings = template["Resources"]["After"]["Properties"]["Events"]["E"]["Properties"]
    assert settings["Stream"] == {"Fn::GetAtt": ["Table", "StreamArn"]}
    assert settings["BatchSize"] == 50
    assert settings["StartingPosition"] == "TRIM_HORIZON"
    assert settings["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert settings["BisectBatchOnFunctionError"] is True
    assert settings["MaximumRetryAttempts"] == 10
    assert settings["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}


def test_reconciliation_has_room_for_a_long_day(stage: Path, tmp_path: Path) -> None:
    """The function that reads bills has the most time that Lambda gives, a whole CPU, and disk for them; the others have not."""
    units = packed()
    name, resources = next((unit.name, written["Resources"]) for unit, written in units if unit is API)
    resources |= {"ReconcileBills": function({}, "BillsRole"), "BillsRole": role()}
    made = assemble(units, stage)["Resources"]
    sized = [key for key, one in made.items() if "EphemeralStorage" in one.get("Properties", {})]
    assert (name, sized, made["ReconcileBills"]["Properties"]["EphemeralStorage"]) == ("api", ["ReconcileBills"], {"Size": 4096})
    given = {}
    for unit in (API, VISION):
        bundle._configure(unit, LAMBDA, tmp_path / unit.name)
        config = json.loads((tmp_path / unit.name / ".chalice" / "config.json").read_text())
        given[unit.name] = config["stages"]["live"]["lambda_functions"].get("reconcile_bills")
    assert given == {"api": {"lambda_timeout": 900, "lambda_memory_size": 1769}, "vision": None}


def test_a_queue_trigger_points_to_the_templates_own_queue(template: dict[str, Any], stage: Path) -> None:
    """The name in the app finds its queue, with or without the product's name before it; an unknown one ends the build."""
    settings = template["Resources"]["Photos"]["Properties"]["Events"]["E"]["Properties"]
    assert settings["Queue"] == {"Fn::GetAtt": ["PhotosQueue", "Arn"]}
    assert settings["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 2 <= settings["ScalingConfig"]["MaximumConcurrency"] <= 100
    prefixed = {"Resources": {"F": function(queue_event("aftersales-photos"), "R"), "R": role()}}
    again = assemble([(VISION, prefixed)], stage)["Resources"]["F"]["Properties"]["Events"]["E"]["Properties"]
    assert again["Queue"] == {"Fn::GetAtt": ["PhotosQueue", "Arn"]}
    unknown = {"Resources": {"F": function(queue_event("letters"), "R"), "R": role()}}
    with pytest.raises(BuildFailed, match="no LettersQueue"):
        assemble([(VISION, unknown)], stage)


def test_two_units_cannot_claim_one_name(stage: Path) -> None:
    """Functions of one name in two units end the build instead of one replacing the other."""
    api, _ = packed()
    with pytest.raises(BuildFailed, match="After, AfterRole, Plain, PlainRole"):
        assemble([api, api], stage)


def test_the_stage_file_says_what_the_environment_holds(template: dict[str, Any]) -> None:
    """Created names are wired, the rest are hidden parameters; Lambda's own and what is not switched on are left out."""
    variables = template["Resources"]["Plain"]["Properties"]["Environment"]["Variables"]
    assert variables == {
        "AFTERSALES_STAGE": "/var/task/infra/stages/cloud.toml",
        "TABLE": {"Ref": "Table"},
        "SECRETS_PREFIX": {"Ref": "SecretsPrefix"},
        "TOKEN_JWKS": {"Ref": "TokenJwks"},
        "CHANNEL_WORD": {"Ref": "ChannelWord"},
    }
    assert template["Parameters"]["TokenJwks"]["NoEcho"] is True
    assert "Default" not in template["Parameters"]["TokenJwks"]
    assert template["Parameters"]["ChannelWord"]["Default"] == "hello"


def test_no_secret_is_in_an_environment_or_a_template() -> None:
    """Whatever the deployed stage file calls a key, secret or password is read from Secrets Manager, never handed to a function."""
    settings = tomllib.loads((ROOT / "infra" / "stages" / "aws.toml").read_text())["settings"]
    named = {f"{plugin}.{name}": value for plugin, values in settings.items() for name, value in values.items()}
    secret = {n: v for n, v in named.items() if re.search(r"(?<!public_)(?<!platform_)(key|secret|password)s?$", n)}
    assert {"token.secret", "dynamodb_store.phone_key", "wechatpay_refund.private_key", "wechatpay_refund.apiv3_key"} <= set(secret)
    assert {"alipay_refund.private_key", "stripe_refund.api_key", "unionpay_refund.private_key"} <= set(secret)
    assert {name for name, value in secret.items() if not value.startswith("secret:")} == set()


def test_the_operator_is_told_every_secret_and_field() -> None:
    """What the deployed stage file reads stands in the guide, with the fields of its JSON, and nothing else does."""
    guide = (ROOT / "infra" / "README.md").read_text()
    rows = re.findall(r"^\| `aftersales/(\w+)` \| (.*?) \|", guide, re.MULTILINE)
    read: dict[str, set[str]] = {}
    for name, field in re.findall(r'= "secret:(\w+)(?:#(\w+))?"', (ROOT / "infra" / "stages" / "aws.toml").read_text()):
        read.setdefault(name, set()).update({field} - {""})
    assert {name: set(re.findall(r"`(\w+)`", what)) for name, what in rows} == read


def test_the_vision_unit_can_read_no_secret(template: dict[str, Any]) -> None:
    """Code that opens strangers' files holds none, may read none, and does not know where they are kept."""
    variables = template["Resources"]["Photos"]["Properties"]["Environment"]["Variables"]
    assert set(variables) == {"AFTERSALES_STAGE", "TABLE", *BOUNDS}
    assert "secretsmanager" not in json.dumps(template["Resources"]["PhotosRole"])


def test_a_function_reads_the_stacks_own_secrets_and_no_others(template: dict[str, Any]) -> None:
    """It may get values, not list, write or delete; and only of names under a prefix that ends in a slash and cannot be empty."""
    for name in ("PlainRole", "AfterRole"):
        allowed = statements(template, name)["Secrets"]
        assert allowed["Action"] == ["secretsmanager:GetSecretValue"]
        arn = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${SecretsPrefix}*"
        assert allowed["Resource"] == [{"Fn::Sub": arn}]
    prefix = template["Parameters"]["SecretsPrefix"]
    assert re.fullmatch(prefix["AllowedPattern"], prefix["Default"])
    for wide in ("", "/", "*", "aftersales", "aftersales/*", "a b/"):
        assert not re.fullmatch(prefix["AllowedPattern"], wide)


def test_the_policy_allows_what_the_plugins_call_and_nothing_more() -> None:
    """Each operation of a boto3 client in the cloud's plugins is allowed, and each allowed one is used."""
    settings = tomllib.loads((ROOT / "infra" / "stages" / "aws.toml").read_text())["settings"]
    folders = [ROOT / "plugins" / plugin for plugin, values in settings.items() if "table" in values]
    # schema.py creates the table locally; in the cloud the template does.
    source = "\n".join(file.read_text() for folder in folders for file in folder.glob("*.py") if file.name != "schema.py")
    called = set(re.findall(r"client\.([a-z_]+)\(", source))
    parts = set(re.findall(r'"(Put|Update|Delete|ConditionCheck)":', source))
    used = {
        "".join(word.capitalize() for word in name.split("_")) for name in called - {"transact_write_items", "transact_get_items"}
    }
    assert used | {f"{part}Item" for part in parts} == set(policy.TABLE_ACTIONS)


def test_a_function_may_do_only_what_it_must(template: dict[str, Any]) -> None:
    """No policy holds a wildcard; only the stream's reader reads the stream, only the queue's reader the queue."""
    plain, after, photos = (statements(template, name) for name in ("PlainRole", "AfterRole", "PhotosRole"))
    for statement in [*plain.values(), *after.values(), *photos.values()]:
        assert all("*" not in action for action in statement["Action"])
        assert "*" not in statement["Resource"]
        assert statement["Resource"]
    assert set(plain) == {"Records", "Files", "MissingFiles", "Jobs", "Log", "Secrets"}
    assert set(after) - set(plain) == {"ReadStream", "PutAside"}
    assert set(photos) ^ set(plain) == {"ReadJobs", "Secrets"}
    assert photos["ReadJobs"]["Resource"] == [{"Fn::GetAtt": ["PhotosQueue", "Arn"]}]
    assert [statement["Sid"] for statement in policy.statements([], ["PhotosQueue"], secrets=True)] == list(plain)


def test_only_the_schedule_that_erases_may_delete_files(stage: Path) -> None:
    """No other function can lose evidence, and that one deletes files only: no record, and nothing outside the known prefixes."""
    units = packed()
    resources = next(written["Resources"] for unit, written in units if unit is API)
    resources |= {"ExpireOriginals": function({}, "ExpireRole"), "ExpireRole": role()}
    made = assemble(units, stage)
    roles = [key for key, one in made["Resources"].items() if one["Type"] == "AWS::IAM::Role"]
    assert {key for key in roles if "Delete" in json.dumps(made["Resources"][key]).replace("sqs:Delete", "")} == {"ExpireRole"}
    erase = statements(made, "ExpireRole")["Erase"]
    assert erase["Action"] == ["s3:DeleteObject"]
    assert erase["Resource"] == [{"Fn::Sub": f"${{Evidence.Arn}}/{p}/*"} for p in ("evidence", "masked", "overlay", "features")]


def test_the_table_is_the_plugins_and_keeps_what_it_holds(template: dict[str, Any]) -> None:
    """Keys and indexes are the plugin's own; the table can be restored to any second and cannot be deleted by mistake."""
    table = template["Resources"]["Table"]
    properties = table["Properties"]
    assert {index["IndexName"] for index in properties["GlobalSecondaryIndexes"]} == set(INDEXES)
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["DeletionProtectionEnabled"] is True
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"


def test_the_bucket_is_private_and_encrypted(template: dict[str, Any]) -> None:
    """Evidence is reachable by signed address only, over TLS only, and forgotten when it need not be kept any more."""
    properties = template["Resources"]["Evidence"]["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert {rule["Status"] for rule in properties["LifecycleConfiguration"]["Rules"]} == {"Enabled"}
    denied = template["Resources"]["EvidencePolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_queues_wait_longer_than_their_readers_and_lose_nothing() -> None:
    """A photo is not handed out again while it is worked on (six times the reader's limit, as AWS asks), and failures are kept."""
    resources = json.loads((ROOT / "infra" / "template.json").read_text())["Resources"]
    queue = resources["PhotosQueue"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * VISION.timeout_s
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    assert resources["DeadLetters"]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_photos_that_wait_longer_than_their_cases_raise_an_alarm() -> None:
    """Where nobody looks at photos (off, broken, flooded), the operator hears of it when the first case gives up waiting."""
    resources = json.loads((ROOT / "infra" / "template.json").read_text())["Resources"]
    alarm = resources["PhotosWaitAlarm"]["Properties"]
    assert (alarm["MetricName"], alarm["Statistic"]) == ("ApproximateAgeOfOldestMessage", "Maximum")
    assert alarm["Dimensions"][0]["Value"] == {"Fn::GetAtt": ["PhotosQueue", "QueueName"]}
    assert alarm["Threshold"] == TIMEOUTS[State.VERIFYING].total_seconds()
