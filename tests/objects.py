"""An object store on this machine: S3 as moto serves it. Requests are counted, and some are refused on request."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.moto_server.werkzeug_app import create_backend_app
from s3fs import S3FileSystem
from werkzeug.serving import make_server

from tests.notebook_builder import content

REFUSAL = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class Server:
    """S3 at `url`. `requests` counts the objects that were read, and what else was asked for, by method."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.refused: set[str] = set()
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        """What tells every S3 client of this process and of its children where the server is."""
        keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
        return {"AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": "us-east-1", **keys}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method, path, query = environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        is_object = path.count("/") > 1 and path[-1] != "/"
        self.requests["read" if method == "GET" and is_object else "list" if "list-type" in query else method] += 1
        if any(path.endswith(refused) for refused in self.refused):
            start_response("403 Forbidden", [("Content-Type", "application/xml")])
            return [REFUSAL]
        answered: Iterable[bytes] = self._app(environ, start_response)
        return answered


class Bucket:
    """A bucket of notebooks."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self.url = f"s3://{name}"
        self._client = boto3.client("s3", endpoint_url=server.url, region_name="us-east-1")
        self._client.create_bucket(Bucket=name)

    def put(self, key: str, document: Any) -> None:
        body = document if isinstance(document, bytes) else content(document)
        self._client.put_object(Bucket=self.name, Key=key, Body=body)

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self.name, Key=key)


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        S3FileSystem.clear_instance_cache()  # of which fsspec keeps the one that knows this server
        server.stop()
