"""``aftersales read-reason FILE.csv --column text``: what buyers' words complain of, one answer per row, in row order.

The file is UTF-8 (a byte order mark is no part of it) or GB18030. ``--json`` prints one array of objects with ``reason``,
``confidence``, ``second``, ``language`` and ``sure``; without it a line per row. Rows are read one after another: a file of any
length needs little memory.
"""

from __future__ import annotations

import argparse
import codecs
import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from aftersales.complaint import Reading
from aftersales.errors import AftersalesError, Invalid
from aftersales.text import DEFAULT_LOCALE
from plugins import text_reason

#: A cell may be as long as the longest body of the API.
MOST_CHARACTERS = 1024 * 1024
ENCODINGS = ("utf-8-sig", "gb18030")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file."""
    parser.add_argument("file", type=Path, metavar="FILE.csv", help="the texts, with a row of column names above")
    parser.add_argument("--column", default="text", help="the column that is read (default: text)")
    parser.add_argument("--json", action="store_true", help="print one JSON array")


def main(args: argparse.Namespace) -> int:
    """Print the answers; 2, and none of them, when the file cannot be read as it should be."""
    try:
        for _ in texts(args.file, args.column):  # all of it can be read, or nothing is answered
            pass
        reader = text_reason.build({})
        show = _print_json if args.json else _print_lines
        show(reader.read(text, DEFAULT_LOCALE) for text in texts(args.file, args.column))
    except AftersalesError as error:
        print(f"aftersales read-reason: {error.message} {error.todo}".rstrip(), file=sys.stderr)
        return 2
    return 0


def texts(file: Path, column: str) -> Iterator[str]:
    """The column's cells, one per row. Raises Invalid for a file that is no such table."""
    csv.field_size_limit(MOST_CHARACTERS)
    row_number = 1
    try:
        with _opened(file) as lines:
            rows = csv.DictReader(lines, strict=True)
            names = rows.fieldnames or ()
            if column not in names:
                found = ", ".join(map(repr, names)) or "none"
                raise Invalid(f"{file.name} has no column {column!r}.", todo=f"Name one with --column; found: {found}.")
            for row_number, row in enumerate(rows, 2):
                if row[column] is None:
                    raise Invalid(f"Row {row_number} of {file.name} ends before its column {column!r}.")
                yield row[column]
    except (csv.Error, UnicodeError) as error:
        raise Invalid(f"{file.name} cannot be read as CSV after row {row_number}: {error}.") from error
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}.") from error


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    """The file as text: in the first encoding that all of it can be read in. Raises Invalid when none fits."""
    for encoding in ENCODINGS:
        if _fits(file, encoding):
            with file.open(encoding=encoding, newline="") as lines:
                yield lines
                return
    raise Invalid(f"{file.name} is neither UTF-8 nor GB18030.", todo="Save it as UTF-8.")


def _fits(file: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with file.open("rb") as content:
            while part := content.read(MOST_CHARACTERS):
                decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _print_json(readings: Iterator[Reading]) -> None:
    print("[", end="")
    for number, reading in enumerate(readings):
        print("," if number else "", _json(reading), sep="\n", end="")
    print("\n]")


def _print_lines(readings: Iterator[Reading]) -> None:
    for reading in readings:
        print(f"{reading.reason:30} {reading.confidence:5.3f} {'' if reading.sure else 'unsure'}".rstrip())


def _json(reading: Reading) -> str:
    said = {
        "reason": reading.reason,
        "confidence": reading.confidence,
        "second": reading.second,
        "language": reading.language,
        "sure": reading.sure,
    }
    return json.dumps(said)
