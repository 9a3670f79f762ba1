"""The inbound function's job as it is usually done in Python: what `scripts/measure-start` compares with.

It makes the clients that the job needs, verifies Slack's signature, puts the item and rings the queue.
"""

import hashlib
import hmac
import json
import os

import boto3
import requests

dynamodb = boto3.client("dynamodb")
sqs = boto3.client("sqs")
secrets = boto3.client("secretsmanager")
http = requests.Session()


def handler(event, context):
    try:
        config = json.loads(secrets.get_secret_value(SecretId=os.environ["CONFIG_SECRET_ARN"])["SecretString"])
    except Exception:
        return {"statusCode": 503}
    body, headers = event.get("body") or "", event["headers"]
    signed = f"v0:{headers.get('x-slack-request-timestamp')}:{body}".encode()
    signature = "v0=" + hmac.new(config["signing_secret"].encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, headers.get("x-slack-signature", "")):
        return {"statusCode": 401}
    message = json.loads(body)["event"]
    item = {"pk": {"S": message["user"]}, "sk": {"S": message["ts"]}, "payload": {"S": body}}
    dynamodb.put_item(TableName=os.environ["TABLE_NAME"], Item=item, ConditionExpression="attribute_not_exists(pk)")
    sqs.send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=message["ts"], MessageGroupId=message["user"], MessageDeduplicationId=message["ts"])
    return {"statusCode": 200}
