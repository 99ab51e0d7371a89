"""S3Files: one bucket. Photos never pass through the API: clients post them straight to S3 under a signed policy."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.errors import Invalid
from aftersales.ports import Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UPLOAD_FOR = timedelta(minutes=15)
DOWNLOAD_FOR = timedelta(minutes=5)


class S3Files:
    """The files of one bucket. The client is made on first use unless given. Safe for threads."""

    def __init__(self, bucket: str, region: str = "", endpoint: str = "", client: S3Client | None = None) -> None:
        self._bucket = bucket
        self._region = region
        self._endpoint = endpoint
        self._made = client
        self._lock = Lock()

    @property
    def client(self) -> S3Client:
        """The client, for set-up."""
        with self._lock:
            if self._made is None:
                self._made = _connect(self._region, self._endpoint)
        return self._made

    def upload(self, key: str, content_type: str, max_bytes: int, now: datetime) -> Upload:
        """A signed POST whose policy fixes key, type and size. S3 counts the quarter of an hour by its own clock."""
        conditions: list[Any] = [{"Content-Type": content_type}, ["content-length-range", 1, max_bytes]]
        post = self.client.generate_presigned_post(
            self._bucket, key, {"Content-Type": content_type}, conditions, int(UPLOAD_FOR.total_seconds())
        )
        return Upload(post["url"], post["fields"], now + UPLOAD_FOR, max_bytes)

    def url(self, key: str, now: datetime) -> str:  # noqa: ARG002  # S3 counts by its own clock
        """A signed download address, valid for five minutes by S3's clock."""
        where = {"Bucket": self._bucket, "Key": key}
        return self.client.generate_presigned_url("get_object", Params=where, ExpiresIn=int(DOWNLOAD_FOR.total_seconds()))

    def read(self, key: str, max_bytes: int) -> bytes | None:
        """The bytes, None when nothing was uploaded. Raises Invalid when the file is larger, before it is transferred."""
        try:
            answer = self.client.get_object(Bucket=self._bucket, Key=key)
        except self.client.exceptions.NoSuchKey:
            return None
        body = answer["Body"]
        try:
            if answer["ContentLength"] > max_bytes:
                raise Invalid("The file is too large.", expected=f"at most {max_bytes} bytes", found=answer["ContentLength"])
            return body.read()
        finally:
            body.close()

    def write(self, key: str, content: bytes, content_type: str) -> None:
        """Store the file."""
        self.client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)

    def delete(self, key: str) -> None:
        """Remove the file; the bucket keeps no versions."""
        self.client.delete_object(Bucket=self._bucket, Key=key)


def _connect(region: str, endpoint: str) -> S3Client:
    import boto3
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 4}
    # An address under the bucket's own name needs DNS; a server of one's own seldom has that.
    style: Any = {"addressing_style": "path" if endpoint else "virtual"}
    config = Config(signature_version="s3v4", s3=style, retries=retries, connect_timeout=2, read_timeout=20)
    return boto3.client("s3", region_name=region or None, endpoint_url=endpoint or None, config=config)
