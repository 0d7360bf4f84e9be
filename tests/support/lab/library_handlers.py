# ruff: noqa: E501
"""Handlers that use real libraries, to compare the lab with AWS's emulator line by line.

Each source defines ``handler``. Lines and responses are compared after ``comparable``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_REPLACED = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,]?\d*(Z|[+-]\d\d:?\d\d)?"), "TIME"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"0x[0-9a-f]{8,}"), "ADDRESS"),
    (re.compile(r"\b1[5-9]\d{8,11}(\.\d+)?\b"), "EPOCH"),
    (re.compile(r',"xray_trace_id":"[^"]*"'), ""),  # the emulator gives no trace ID
    (re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}"), "TRACE"),
    (re.compile("\u00a0"), " "),
    (re.compile(r'(?<=NR_LAMBDA_MONITORING",).*'), "PAYLOAD"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryHandler:
    """A handler: ``needs`` are the packages it imports, ``name`` is its name on Lambda.

    ``differs`` is the reason for which its lines cannot be the same, if there is one.
    """

    source: str
    needs: tuple[str, ...] = ()
    name: str = "app.handler"
    event: object = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    differs: str = ""


def comparable(lines: list[str], task: str) -> list[str]:
    """Return the lines without what differs from run to run."""
    text = "\n".join(lines).replace("\r", "\n").replace(task, "/var/task")
    for pattern, replacement in _REPLACED:
        text = pattern.sub(replacement, text)
    return [line.rstrip() for line in text.split("\n") if line.strip()]


def _of(body: str, *needs: str, setup: str = "", **more: object) -> LibraryHandler:
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    source = f"{setup}\n\ndef handler(event, context):\n{lines}\n"
    return LibraryHandler(source=source, needs=needs, **more)  # type: ignore[arg-type]


_SQS = {
    "Records": [
        {
            "messageId": f"00000000-0000-4000-8000-00000000000{number}",
            "receiptHandle": "handle",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1", "SenderId": "x",
                           "SentTimestamp": "1", "ApproximateFirstReceiveTimestamp": "1"},
            "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:orders",
            "awsRegion": "us-east-1",
        }
        for number, body in enumerate(("good", "bad", "good"))
    ]
}  # fmt: skip
_HTTP = {
    "version": "2.0", "routeKey": "$default", "rawPath": "/orders/7", "rawQueryString": "",
    "headers": {"host": "example.com"}, "isBase64Encoded": False,
    "requestContext": {"http": {"method": "GET", "path": "/orders/7", "protocol": "HTTP/1.1",
                                "sourceIp": "127.0.0.1", "userAgent": "test"},
                       "stage": "$default", "domainName": "example.com", "requestId": "x"},
}  # fmt: skip
_FASTAPI = """
import datetime
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel, Field

class Order(BaseModel):
    number: int
    at: datetime.datetime = Field(default_factory=lambda: datetime.datetime.now(datetime.UTC))

app = FastAPI()

@app.get("/orders/{number}")
def order(number: int) -> Order:
    print("order", number)
    return Order(number=number)

adapter = Mangum(app, lifespan="off")
"""
_MOTO = """
import os
os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
import boto3
from moto import mock_aws
"""
_SENTRY = """
import sentry_sdk
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration
from sentry_sdk.transport import Transport

class Printed(Transport):
    def capture_envelope(self, envelope):
        event = envelope.get_event() or {}
        for value in event.get("exception", {}).get("values", []):
            print("captured", value["type"], value["value"], value["mechanism"]["type"])

sentry_sdk.init(
    dsn="https://key@example.com/1",
    transport=Printed,
    integrations=[AwsLambdaIntegration()],
    default_integrations=False,
)
"""
_NEW_RELIC = """
import newrelic.agent
newrelic.agent.initialize()
from newrelic_lambda.lambda_handler import lambda_handler

def wrapped(event, context):
    return lambda_handler()(handler)(event, context)
"""
_NEW_RELIC_ENV = {
    "NEW_RELIC_SERVERLESS_MODE_ENABLED": "true", "NEW_RELIC_LICENSE_KEY": "x",
    "NEW_RELIC_ACCOUNT_ID": "1", "NEW_RELIC_TRUSTED_ACCOUNT_KEY": "1",
    "NEW_RELIC_PRIMARY_APPLICATION_ID": "1",
}  # fmt: skip

HANDLERS: dict[str, LibraryHandler] = {
    "plain print": _of("print('begins')\nprint(event)\nreturn {'ok': True}", event={"a": 1}),
    "raises": _of("print(1)\nraise ValueError('two\\nlines')"),
    "chained errors": _of(
        "try:\n    {}['a']\nexcept KeyError as error:\n    raise RuntimeError('no') from error"
    ),
    "returns a set": _of("return {1}"),
    "exits": _of("import sys\nprint('before', flush=True)\nsys.exit(3)"),
    "logging": _of(
        "logging.getLogger().setLevel('INFO')\nlogging.info('info %s', 1)\n"
        "logging.getLogger('shop').warning('warn')\n"
        "try:\n    [][0]\nexcept IndexError:\n    logging.exception('caught')",
        setup="import logging",
    ),
    "warnings": _of("warnings.warn('careful')\nprint('after')", setup="import warnings"),
    "bytes and unicode": _of(
        "sys.stdout.buffer.write('größe ✓\\n'.encode())\nsys.stdout.flush()\nprint('naïve')",
        setup="import sys",
    ),
    "tempfile": _of(
        "with tempfile.NamedTemporaryFile(dir='/tmp', mode='w+') as file:\n"
        "    file.write('text')\n    file.seek(0)\n    print(file.read(), file.name[:5])",
        setup="import tempfile",
    ),
    "sqlite3": _of(
        "with sqlite3.connect(':memory:') as base:\n"
        "    base.execute('create table t (x)')\n    base.execute('insert into t values (7)')\n"
        "    print(base.execute('select * from t').fetchall())",
        setup="import sqlite3",
    ),
    "subprocess": _of(
        "print(subprocess.run(['sh', '-c', 'echo out'], capture_output=True, text=True).stdout)\n"
        "subprocess.run(['sh', '-c', 'echo direct'])",
        setup="import subprocess",
    ),
    "asyncio": _of(
        "async def step(n):\n    await asyncio.sleep(0.01)\n    print('step', n)\n    return n\n"
        "async def all_steps():\n    return await asyncio.gather(*map(step, range(3)))\n"
        "return asyncio.run(all_steps())",
        setup="import asyncio",
    ),
    "threads": _of(
        "with ThreadPoolExecutor(3) as pool:\n    print(sorted(pool.map(abs, [-3, -2, -1])))",
        setup="from concurrent.futures import ThreadPoolExecutor",
    ),
    "multiprocessing fork": _of(
        "c = multiprocessing.get_context('fork')\nours, theirs = c.Pipe()\n"
        "p = c.Process(target=work, args=(theirs,))\np.start()\nprint(ours.recv())\np.join()",
        setup="import multiprocessing\n\ndef work(pipe):\n    pipe.send('from the child')",
    ),
    "multiprocessing spawn": _of(
        "c = multiprocessing.get_context('spawn')\nours, theirs = c.Pipe()\n"
        "p = c.Process(target=work, args=(theirs,))\np.start()\nprint(ours.recv())\np.join()",
        setup="import multiprocessing\n\ndef work(pipe):\n    pipe.send('from the child')",
    ),
    "datetime": _of(
        "now = datetime.datetime.now(datetime.timezone.utc)\n"
        "print(type(now) is datetime.datetime, isinstance(now, datetime.date))\n"
        "print(now.isoformat())\nprint(copy.copy(now) == now, pickle.loads(pickle.dumps(now)) == now)",
        setup="import copy, datetime, pickle",
    ),
    "import error": LibraryHandler(
        source="import nowhere\nhandler = 1\n",
        differs="Lambda runs a failed init again with the invocation; the emulator does not",
    ),
    "large response": _of("print('x')\nreturn 'x' * 1_000_000"),
    "pandas": _of(
        "frame = pd.DataFrame({'at': pd.date_range('2026-01-01', periods=4), 'n': range(4)})\n"
        "print(frame.groupby(frame.at.dt.day % 2).n.sum().to_dict())\n"
        "now = pd.Timestamp.now(tz='UTC')\n"
        "print(abs((now - pd.Timestamp(datetime.datetime.now(datetime.timezone.utc)))"
        ".total_seconds()) < 5)\n"
        "print(pd.to_datetime(datetime.datetime.now()).year > 2000, pd.Series([datetime.date.today()])"
        ".dtype)",
        "pandas", setup="import datetime\nimport pandas as pd",
    ),
    "pandas resample": _of(
        "index = pd.date_range('2026-01-01', periods=48, freq='h')\n"
        "print(pd.Series(range(48), index).resample('D').sum().to_json())",
        "pandas", setup="import pandas as pd",
    ),
    "numpy": _of(
        "print(np.datetime64(datetime.datetime.now(), 's').dtype, np.arange(6).reshape(2, 3).sum())",
        "numpy", setup="import datetime\nimport numpy as np",
    ),
    "fastapi with mangum": _of(
        "answer = adapter(event, context)\nprint(answer['statusCode'], answer['body'])",
        "fastapi", "mangum", setup=_FASTAPI, event=_HTTP,
    ),
    "fastapi, invalid": _of(
        "answer = adapter({**event, 'rawPath': '/orders/x'}, context)\nprint(answer['statusCode'])",
        "fastapi", "mangum", setup=_FASTAPI, event=_HTTP,
    ),
    "pydantic": _of(
        "print(Order(at=datetime.datetime.now()).model_dump_json())\n"
        "print(Order.model_validate_json('{\"at\": \"2026-01-01T00:00:00Z\"}'))",
        "pydantic",
        setup="import datetime\nfrom pydantic import BaseModel\n\n"
        "class Order(BaseModel):\n    at: datetime.datetime\n    day: datetime.date = "
        "datetime.date(2026, 1, 1)",
    ),
    "pydantic.v1": _of(
        "print(Order(at=datetime.datetime.now()).json())",
        "pydantic",
        setup="import datetime\nfrom pydantic.v1 import BaseModel\n\n"
        "class Order(BaseModel):\n    at: datetime.datetime",
    ),
    "powertools logger": _of(
        "logger.info('hello', extra={'order': 1})\n"
        "try:\n    {}['a']\nexcept KeyError:\n    logger.exception('caught')",
        "aws_lambda_powertools",
        setup="from aws_lambda_powertools import Logger\nlogger = Logger(service='shop')",
    ),
    "powertools idempotency": _of(
        "with mock_aws():\n"
        "    boto3.client('dynamodb').create_table(TableName='t', BillingMode='PAY_PER_REQUEST',\n"
        "        KeySchema=[{'AttributeName': 'id', 'KeyType': 'HASH'}],\n"
        "        AttributeDefinitions=[{'AttributeName': 'id', 'AttributeType': 'S'}])\n"
        "    layer = DynamoDBPersistenceLayer(table_name='t')\n"
        "    @idempotent_function(data_keyword_argument='data', persistence_store=layer)\n"
        "    def once(data):\n        print('ran', data)\n        return {'done': True}\n"
        "    print(once(data={'a': 1}), once(data={'a': 1}))",
        "aws_lambda_powertools", "moto",
        setup=_MOTO + "from aws_lambda_powertools.utilities.idempotency import "
        "DynamoDBPersistenceLayer, idempotent_function\n",
    ),
    "powertools batch": _of(
        "return process_partial_response(event, one, processor, context)",
        "aws_lambda_powertools",
        setup="from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, "
        "process_partial_response\nprocessor = BatchProcessor(EventType.SQS)\n\n"
        "def one(record):\n    print(record.body)\n    if record.body == 'bad':\n"
        "        raise ValueError('bad')",
        event=_SQS,
    ),
    "powertools metrics": _of(
        "metrics.add_metric('orders', 'Count', 1)\nmetrics.flush_metrics()",
        "aws_lambda_powertools",
        setup="from aws_lambda_powertools import Metrics\n"
        "metrics = Metrics(namespace='shop', service='orders')",
    ),
    "powertools router": _of(
        "print(app.resolve(event, context))",
        "aws_lambda_powertools",
        setup="from aws_lambda_powertools.event_handler import APIGatewayHttpResolver\n"
        "app = APIGatewayHttpResolver()\n\n@app.get('/orders/<number>')\n"
        "def order(number):\n    return {'number': number}",
        event=_HTTP,
    ),
    "sentry": _of("print('before')\n1 / 0", "sentry_sdk", setup=_SENTRY),
    "datadog": _of(
        "print('in the handler')\nreturn {'ok': 1}",
        "datadog_lambda",
        name="datadog_lambda.handler.handler",
        env={"DD_LAMBDA_HANDLER": "app.handler", "DD_TRACE_ENABLED": "false",
             "DD_FLUSH_TO_LOG": "true", "DD_API_KEY": "x", "DD_SITE": "example.com",
             "DD_ENHANCED_METRICS": "false", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false"},
    ),
    "new relic": _of(
        "print('in the handler')\nreturn {'ok': 1}",
        "newrelic_lambda", setup=_NEW_RELIC, name="app.wrapped", env=_NEW_RELIC_ENV,
    ),
    "new relic, raises": _of(
        "raise ValueError('again')",
        "newrelic_lambda", setup=_NEW_RELIC, name="app.wrapped", env=_NEW_RELIC_ENV,
    ),
    "orjson": _of(
        "print(orjson.dumps({'at': datetime.datetime.now(), 'day': datetime.date.today()}).decode())",
        "orjson", setup="import datetime\nimport orjson",
    ),
    "msgspec": _of(
        "print(msgspec.json.encode({'at': datetime.datetime.now(datetime.timezone.utc)}).decode())",
        "msgspec", setup="import datetime\nimport msgspec",
    ),
    "msgpack": _of(
        "packed = msgpack.packb(datetime.datetime.now(datetime.timezone.utc), datetime=True)\n"
        "print(type(msgpack.unpackb(packed, timestamp=3)))",
        "msgpack", setup="import datetime\nimport msgpack",
    ),
    "yaml": _of(
        "print(yaml.safe_dump({'at': datetime.datetime.now(), 'day': datetime.date(2026, 1, 1)}))",
        "yaml", setup="import datetime\nimport yaml",
    ),
    "structlog": _of(
        "structlog.configure(processors=[structlog.processors.TimeStamper(fmt='iso'),\n"
        "    structlog.processors.JSONRenderer()])\n"
        "structlog.get_logger().info('hello', order=1)",
        "structlog", setup="import structlog",
    ),
    "loguru": _of(
        "logger.remove()\nlogger.add(sys.stdout, format='{time} {level} {message}')\n"
        "logger.info('hello')\nlogger.add(sys.stdout, format='{level} {message}')\n"
        "logger.warning('twice')",
        "loguru", setup="import sys\nfrom loguru import logger",
    ),
    "freezegun": _of(
        "with freeze_time('2020-02-02'):\n    print(datetime.datetime.now(), datetime.date.today())\n"
        "print(datetime.datetime.now().year > 2020)",
        "freezegun", setup="import datetime\nfrom freezegun import freeze_time",
    ),
    "boto3 s3 on moto": _of(
        "with mock_aws():\n    s3 = boto3.client('s3')\n    s3.create_bucket(Bucket='b')\n"
        "    s3.put_object(Bucket='b', Key='k', Body=b'text')\n"
        "    print(s3.get_object(Bucket='b', Key='k')['Body'].read())\n"
        "    print(type(s3.list_objects_v2(Bucket='b')['Contents'][0]['LastModified']))",
        "boto3", "moto", setup=_MOTO,
    ),
    "boto3 dynamodb on moto": _of(
        "with mock_aws():\n    table = boto3.resource('dynamodb').create_table(TableName='t',\n"
        "        KeySchema=[{'AttributeName': 'id', 'KeyType': 'HASH'}],\n"
        "        AttributeDefinitions=[{'AttributeName': 'id', 'AttributeType': 'S'}],\n"
        "        BillingMode='PAY_PER_REQUEST')\n    table.put_item(Item={'id': 'x', 'n': 1})\n"
        "    return table.get_item(Key={'id': 'x'})['Item']",
        "boto3", "moto", setup=_MOTO,
    ),
    "boto3 without credentials": _of(
        "print(boto3.session.Session().get_credentials())", "boto3", setup="import boto3"
    ),
    "requests on loopback": _of(
        "server = http.server.HTTPServer(('127.0.0.1', 0), Answers)\n"
        "threading.Thread(target=server.handle_request).start()\n"
        "print(requests.get(f'http://127.0.0.1:{server.server_port}/').text)\nserver.server_close()",
        "requests",
        setup="import http.server, threading\nimport requests\n\n"
        "class Answers(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n"
        "        self.send_response(200)\n        self.end_headers()\n"
        "        self.wfile.write(b'answer')\n    def log_message(self, *arguments):\n        pass",
    ),
}  # fmt: skip
