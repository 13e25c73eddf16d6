"""A store that speaks S3, in a thread of the tests: moto's server on a free port of 127.0.0.1."""

from __future__ import annotations

import itertools
import logging
import os
from typing import Any, Self

import boto3
from moto.server import ThreadedMotoServer

from tests.servers.watched_server import HOST

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "of no use elsewhere",
    "AWS_REGION": "ap-northeast-2",
}


class S3:
    """The server, with as many buckets as one likes. It can be stopped and started again."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._server = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
        self._environment = {name: os.environ.get(name) for name in CREDENTIALS}

    def __enter__(self) -> Self:
        # It logs each request.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server.start()
        os.environ.update(CREDENTIALS)
        return self

    def __exit__(self, *_: object) -> None:
        for name, before in self._environment.items():
            os.environ.pop(name)
            if before is not None:
                os.environ[name] = before
        self._server.stop()

    @property
    def url(self) -> str:
        """The endpoint."""
        _, port = self._server.get_host_and_port()
        return f"http://{HOST}:{port}"

    def fresh_bucket(self) -> str:
        """Makes an empty bucket whose objects everybody may read, and returns its name."""
        name = f"images-{next(self._numbers)}"
        self._client.create_bucket(
            Bucket=name,
            ACL="public-read",
            CreateBucketConfiguration={"LocationConstraint": CREDENTIALS["AWS_REGION"]},
        )
        return name

    def everything(self, bucket: str) -> dict[str, bytes]:
        """The objects of a bucket by their keys, with what is said of each."""
        found = {}
        client = self._client  # making one takes longer than reading dozens of objects
        for listed in client.list_objects_v2(Bucket=bucket).get("Contents", []):
            thing = client.get_object(Bucket=bucket, Key=listed["Key"])
            about = [thing["Metadata"], thing["ContentType"], thing.get("ContentDisposition")]
            found[listed["Key"]] = repr(about).encode() + thing["Body"].read()
        return found

    @property
    def _client(self) -> Any:
        region = CREDENTIALS["AWS_REGION"]
        return boto3.client("s3", endpoint_url=self.url, region_name=region)
