"""A client of the counters' stores without boto3, which takes most of a short process's time.

``SOURCE`` is for a handler in the lab: it speaks the services' own protocols to the server of
``AWS_ENDPOINT_URL``.
"""

SOURCE = '''
import http.client, json, os, re, urllib.parse

class LightAws:
    """DynamoDB, S3 and CloudWatch Logs, as far as the counters call them."""

    def send(self, service, method, path, body, headers):
        scope = f"lab/20261123/us-east-1/{service}/aws4_request"
        signed = "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host, Signature=0"
        connection = http.client.HTTPConnection(os.environ["AWS_ENDPOINT_URL"].split("//")[1])
        connection.request(method, path, body, {**headers, "Authorization": signed})
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        if response.status != 200:
            raise RuntimeError(answer.decode())
        return answer

    def call(self, service, target, arguments):
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        return json.loads(self.send(service, "POST", "/", json.dumps(arguments), headers))

    def update_item(self, **arguments):
        return self.call("dynamodb", "DynamoDB_20120810.UpdateItem", arguments)

    def get_item(self, **arguments):
        return self.call("dynamodb", "DynamoDB_20120810.GetItem", arguments)

    def filter_log_events(self, **arguments):
        return self.call("logs", "Logs_20140328.FilterLogEvents", arguments)

    def put_object(self, Bucket, Key, Body):
        self.send("s3", "PUT", f"/{Bucket}/{Key}", Body, {})

    def list_objects_v2(self, Bucket, Prefix):
        query = urllib.parse.urlencode({"list-type": 2, "prefix": Prefix})
        answer = self.send("s3", "GET", f"/{Bucket}?{query}", None, {}).decode()
        return {"Contents": re.findall("<Key>(.*?)</Key>", answer)}
'''
