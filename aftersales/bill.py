"""Bills: what a channel says it sent back on one day, row by row, with its own summary at the end.

A channel's plugin reads its files into these types (``plugins/<channel>_refund/bill.py``, ``read_bill(path) -> Bill``);
:mod:`aftersales.reconcile` matches them with our ledger. Rows stream: a bill of any size is read in the memory of one row.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, cast

from aftersales.errors import Invalid
from aftersales.money import EXPONENTS

if TYPE_CHECKING:
    import zipfile

#: ``success``: the money moved. ``closed`` and ``failed``: it did not. ``abnormal``: it could not arrive, the merchant has to act.
BillStatus = Literal["success", "processing", "failed", "closed", "abnormal"]

#: Figures of a bill by name, counts and minor units: ``rows``, ``refunds``, ``payments``, ``requested_minor``, ...
Figures = dict[str, int]


class BillRow(NamedTuple):
    """One refund on a bill.

    ``key`` is our refund number; where a refund made elsewhere has none, the channel's own. ``order`` is the merchant's order
    number. ``amount_minor`` is positive: what was asked to be sent back, coupons included where the bill tells them.
    ``accepted_at`` is Beijing time as it stands in the file, ``YYYY-MM-DD HH:MM:SS``. ``status`` is as of the day of the bill
    and never changes there.
    """

    key: str
    channel_id: str
    transaction_id: str
    order: str
    amount_minor: int
    currency: str
    status: BillStatus
    accepted_at: str


@dataclass(slots=True)
class Bill:
    """A bill to be read once, row by row; afterwards ``said`` is what its summary says and ``counted`` what its rows come to.

    ``rows`` fills both while it yields. It raises Invalid, with ``line`` in the details, for a file that is not such a bill, was
    cut, or has a row that cannot be read: no row is ever left out in silence.
    """

    channel: str
    rows: Callable[[Bill], Iterator[BillRow]]
    said: Figures = field(default_factory=dict)
    counted: Figures = field(default_factory=dict)
    _begun: bool = False

    def __iter__(self) -> Iterator[BillRow]:
        if self._begun:
            raise RuntimeError("A bill is read once; open it again.")
        self._begun = True
        return self.rows(self)

    @property
    def disagreements(self) -> tuple[tuple[str, int, int], ...]:
        """Where the summary and the rows differ: (figure, what the summary says, what the rows come to). Empty is good."""
        both = ((name, said, self.counted[name]) for name, said in self.said.items() if name in self.counted)
        return tuple(one for one in both if one[1] != one[2])


def unreadable(what: str, line: int | None = None, *, todo: str = "") -> Invalid:
    """The error for a bill that cannot be read, naming the line (from 1) where there is one."""
    where = f"Line {line} of the bill: " if line else "The bill: "
    details = {"line": line} if line else {}
    return Invalid(where + what, todo=todo or "Download the bill again, as the channel gives it.", **details)


# --- amounts ----------------------------------------------------------------------------------------------------------
def minor_of(text: str, digits: int = 2) -> int:
    """The whole minor units of an amount such as ``12.34`` or ``-0.5``, exactly. Raises ValueError for anything else.

    More digits after the point than ``digits`` are fine only while they are zeros.
    """
    if digits == 2 and text[-3:-2] == "." and (plain := text[:-3] + text[-2:]).isascii() and plain.isdigit():
        return int(plain)
    sign, body = (-1, text[1:]) if text[:1] == "-" else (1, text)
    whole, _, rest = body.partition(".")
    if not (whole + rest).isascii() or not (whole + rest).isdigit() or not whole or rest[digits:].strip("0"):
        raise ValueError(f"{text!r} is not an amount")
    return sign * int(whole + rest[:digits].ljust(digits, "0"))


def digits_of(currency: str) -> int:
    """Digits after the point. Raises ValueError for a currency that is not known."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise ValueError(f"{currency!r} is not a currency we know") from None


@lru_cache(maxsize=64)
def day_of(text: str) -> str:
    """The day, ``YYYY-MM-DD``, that an instant of a bill begins with. Raises ValueError for anything else."""
    try:
        day = date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        day = ""
    if not day or day != text[:10]:  # the library also reads weeks and days without dashes
        raise ValueError(f"{text!r} is not a time")
    return day


# --- files ------------------------------------------------------------------------------------------------------------
def _archive(file: BinaryIO) -> zipfile.ZipFile:
    """The ZIP in ``file``. Raises BadZipFile, also for names that are not in the alphabet they claim."""
    import zipfile

    try:
        return zipfile.ZipFile(file)
    except ValueError as error:
        raise zipfile.BadZipFile("its list of files cannot be read") from error


@contextmanager
def unpacked(path: Path) -> Iterator[list[tuple[str, BinaryIO]]]:
    """The texts in a file, unpacked while they are read: one, under the file's name, if it is plain or gzip; all ``.csv`` of a ZIP.

    Raises Invalid for a file that is missing, cut or damaged, also while the texts are read.
    """
    import gzip
    import zipfile
    import zlib

    try:
        with path.open("rb") as file:
            magic = file.read(4)
            file.seek(0)
            if magic[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as packed:
                    yield [(path.name, cast("BinaryIO", io.BufferedReader(packed, 1 << 18)))]
            elif magic == b"PK\x03\x04":
                with _archive(file) as archive:
                    found = [one for one in archive.infolist() if one.filename.lower().endswith((".csv", ".txt"))]
                    if any(one.flag_bits & 1 for one in found):
                        raise Invalid(f"{path.name} is encrypted.", todo="Unpack it first.")
                    yield [(one.filename, cast("BinaryIO", io.BufferedReader(archive.open(one), 1 << 18))) for one in found]
            else:
                yield [(path.name, file)]
    except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, NotImplementedError) as error:
        raise Invalid(f"{path.name} is cut or damaged: {error}.", todo="Download the file again.") from error
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror or error}.", todo="Name a file that is there.") from error
