"""The table or the bucket of a counter, as SAM (CloudFormation) and as Terraform."""

from __future__ import annotations

from retryctl.cli.options.params import CounterStore

_DAYS = 1
"""All attempts of a request start within 6 h of each other; a lifecycle rule counts days."""


def sam_template(
    store: CounterStore, *, table: str, key: str, sort_key: str | None, bucket: str, prefix: str
) -> str:
    """Return the resource for the section ``Resources`` of a template, as YAML."""
    if store is CounterStore.S3:
        return (
            "  RetryBucket:\n"
            "    Type: AWS::S3::Bucket\n"
            "    Properties:\n"
            f"      BucketName: {bucket}\n"
            "      LifecycleConfiguration:\n"
            "        Rules:\n"
            "          - Id: remove-old-attempts\n"
            "            Status: Enabled\n"
            f"            Prefix: {_folder(prefix)}\n"
            f"            ExpirationInDays: {_DAYS}\n"
        )
    names = [key, *([sort_key] if sort_key else [])]
    attributes = "".join(
        f"        - AttributeName: {name}\n          AttributeType: S\n" for name in names
    )
    schema = "".join(
        f"        - AttributeName: {name}\n          KeyType: {kind}\n"
        for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
    )
    return (
        "  RetryTable:\n"
        "    Type: AWS::DynamoDB::Table\n"
        "    Properties:\n"
        f"      TableName: {table}\n"
        "      BillingMode: PAY_PER_REQUEST\n"
        f"      AttributeDefinitions:\n{attributes}"
        f"      KeySchema:\n{schema}"
        "      TimeToLiveSpecification:\n"
        "        AttributeName: expires_at\n"
        "        Enabled: true\n"
    )


def terraform_template(
    store: CounterStore, *, table: str, key: str, sort_key: str | None, bucket: str, prefix: str
) -> str:
    """Return the resources as HCL."""
    if store is CounterStore.S3:
        return (
            'resource "aws_s3_bucket" "retries" {\n'
            f'  bucket = "{bucket}"\n'
            "}\n\n"
            'resource "aws_s3_bucket_lifecycle_configuration" "retries" {\n'
            "  bucket = aws_s3_bucket.retries.id\n\n"
            "  rule {\n"
            '    id     = "remove-old-attempts"\n'
            '    status = "Enabled"\n\n'
            "    filter {\n"
            f'      prefix = "{_folder(prefix)}"\n'
            "    }\n\n"
            "    expiration {\n"
            f"      days = {_DAYS}\n"
            "    }\n"
            "  }\n"
            "}\n"
        )
    names = [key, *([sort_key] if sort_key else [])]
    attributes = "".join(
        f'\n  attribute {{\n    name = "{name}"\n    type = "S"\n  }}\n' for name in names
    )
    sort = f'  range_key    = "{sort_key}"\n' if sort_key else ""
    return (
        'resource "aws_dynamodb_table" "retries" {\n'
        f'  name         = "{table}"\n'
        '  billing_mode = "PAY_PER_REQUEST"\n'
        f'  hash_key     = "{key}"\n'
        f"{sort}{attributes}\n"
        "  ttl {\n"
        '    attribute_name = "expires_at"\n'
        "    enabled        = true\n"
        "  }\n"
        "}\n"
    )


def _folder(prefix: str) -> str:
    return f"{prefix.strip('/')}/".lstrip("/")
