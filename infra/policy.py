"""Policies: what a function may do, and nothing beyond. One per function, written from what the function is triggered by."""

from typing import Any

Json = dict[str, Any]

#: Nothing scans the table and nothing deletes from it. A transaction asks for the right to each of its parts: puts and updates.
TABLE_ACTIONS = ("BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem")
#: Where ``functions.evidence`` keeps what buyers hand in, and what is made of it (``functions.retention``).
PREFIXES = ("evidence", "masked", "overlay", "features")


def statements(triggers: list[Json], queues: list[str], *, secrets: bool, erases: bool = False) -> list[Json]:
    """Give a function's statements.

    ``triggers`` are its events in the template, ``queues`` the queues that it may send to. ``secrets`` says whether it reads any,
    ``erases`` whether it may delete files.
    """
    reads = [_trigger(event) for event in triggers if event["Type"] in {"DynamoDB", "SQS"}]
    may = [*([_secrets()] if secrets else []), *([_allow("Erase", ["s3:DeleteObject"], _files())] if erases else [])]
    return [*_always(queues), *may, *reads, *_aside(triggers)]


def _always(queues: list[str]) -> list[Json]:
    """What every function of ours needs: the table, the bucket, its log, and to hand in jobs."""
    return [
        _allow("Records", [f"dynamodb:{action}" for action in TABLE_ACTIONS], [_arn("Table"), {"Fn::Sub": "${Table.Arn}/index/*"}]),
        _allow("Files", ["s3:GetObject", "s3:PutObject"], _files()),
        # Without it, S3 says "forbidden" where a file is only missing.
        _allow("MissingFiles", ["s3:ListBucket"], [_arn("Evidence")]),
        _allow("Jobs", ["sqs:GetQueueUrl", "sqs:SendMessage"], [_arn(queue) for queue in queues]),
        _allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], [_arn("Logs")]),
    ]


def _files() -> list[Json]:
    return [{"Fn::Sub": f"${{Evidence.Arn}}/{prefix}/*"} for prefix in PREFIXES]


def _secrets() -> Json:
    """The stack's secrets by the beginning of their names; AWS ends each with six characters of its own."""
    arn = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${SecretsPrefix}*"
    return _allow("Secrets", ["secretsmanager:GetSecretValue"], [{"Fn::Sub": arn}])


def _trigger(event: Json) -> Json:
    """What Lambda needs, in the function's name, to read the trigger."""
    if event["Type"] == "SQS":
        reading = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        return _allow("ReadJobs", reading, [event["Properties"]["Queue"]])
    reading = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
    return _allow("ReadStream", reading, [event["Properties"]["Stream"]])


def _aside(triggers: list[Json]) -> list[Json]:
    """A stream's reader puts aside what it cannot work off; a queue does that by itself."""
    reads_stream = any(event["Type"] == "DynamoDB" for event in triggers)
    return [_allow("PutAside", ["sqs:SendMessage"], [_arn("DeadLetters")])] if reads_stream else []


def _allow(name: str, actions: list[str], resources: list[Json]) -> Json:
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": resources}


def _arn(resource: str) -> Json:
    return {"Fn::GetAtt": [resource, "Arn"]}
