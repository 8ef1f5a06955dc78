#!/usr/bin/env python3
"""Makes the calibration and judging texts in build/corpora from Debian packages.

calib.txt             technical prose: the Debian reference, then Python's tutorial and how-tos
calib.jsonl           the same characters cut into documents, one JSON object a line
eval_anarchism.txt    prose from another domain, to judge models on

The packages are debian-reference-en, python3.11-doc and anarchism of Debian 12. The lengths and
SHA-256 sums of the texts are checked, since every figure quoted for the demo rests on them.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import html
import json
import re
import sys
from pathlib import Path

REFERENCE = "usr/share/debian-reference/debian-reference.en.txt.gz"
PYTHON = ("usr/share/doc/python3.11/html/tutorial", "usr/share/doc/python3.11/html/howto")
ANARCHISM = "usr/share/doc/anarchism/html"
PACKAGES = "debian-reference-en python3.11-doc anarchism"
SUMS = {
    "calib.txt": (1200000, "950ad11277a19b0a"),
    "eval_anarchism.txt": (1200000, "359d8085c7d6592b"),
}
SHORTEST_DOCUMENT = 2000  # characters; shorter chapters are joined to the next one


def html_to_text(page: str) -> str:
    """The text of a page: one line a block, one blank line at most between two."""
    page = re.sub(r"(?is)<(script|style|head|nav).*?</\1>", " ", page)
    page = re.sub(r"(?i)</(p|h\d|li|div|tr|dt|dd)>|<br ?/?>", "\n", page)
    page = html.unescape(re.sub(r"(?s)<[^>]+>", "", page))
    page = re.sub(r"[ \t\r\f\v]+", " ", page)
    return re.sub(r"\n{2,}", "\n\n", re.sub(r" ?\n ?", "\n", page)).strip()


def read_pages(files: list[Path]) -> list[str]:
    if not files:
        sys.exit(f"error: the documents are not installed; run: apt-get install {PACKAGES}")
    return [html_to_text(f.read_text(encoding="utf8", errors="replace")) for f in sorted(files, key=str)]


def split_chapters(text: str) -> list[str]:
    """Cuts the Debian reference before each chapter heading; the pieces joined are the text."""
    pieces = re.split(r"(?m)^(?=Chapter\s+\d+\.)", text)
    documents: list[str] = []
    held = ""
    for piece in pieces:
        held += piece
        if len(held) >= SHORTEST_DOCUMENT:
            documents.append(held)
            held = ""
    if held:
        documents.append(held)
    return documents


def cut(documents: list[str], length: int) -> list[str]:
    """The documents that make up the first `length` characters of all of them."""
    out = []
    for document in documents:
        if length <= 0:
            break
        out.append(document[:length])
        length -= len(document)
    return out


def make_texts(root: Path) -> tuple[dict[str, str], list[str]]:
    reference_file = root / REFERENCE
    if not reference_file.exists():
        sys.exit(f"error: {reference_file} is missing; run: apt-get install {PACKAGES}")
    with gzip.open(reference_file, "rt", encoding="utf8") as stream:
        reference = stream.read()
    python = read_pages([page for folder in PYTHON for page in (root / folder).glob("*.html")])
    # A page's separator belongs to the page before it, so that joining documents gives the text.
    python_documents = [page + "\n\n" for page in python[:-1]] + python[-1:]
    documents = cut(split_chapters(reference), 400000) + cut(python_documents, 800000)
    judging = "\n\n".join(read_pages(list((root / ANARCHISM).glob("sec[A-F]*.html"))))
    return {"calib.txt": "".join(documents), "eval_anarchism.txt": judging[:1200000]}, documents


def write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf8")
    partial.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=Path("build/corpora"), help="folder to write")
    parser.add_argument("--root", type=Path, default=Path("/"), help="where the Debian packages are installed")
    arguments = parser.parse_args()
    texts, documents = make_texts(arguments.root)
    for name, text in texts.items():
        found = (len(text), hashlib.sha256(text.encode()).hexdigest()[:16])
        if found != SUMS[name]:
            sys.exit(
                f"error: {name} came out as {found}, expected {SUMS[name]}; "
                f"install {PACKAGES} from Debian 12, other versions hold other texts"
            )
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write(arguments.out / name, text)
    lines = (json.dumps({"text": document}, ensure_ascii=False) + "\n" for document in documents)
    write(arguments.out / "calib.jsonl", "".join(lines))
    for name, text in texts.items():
        print(f"{arguments.out / name}: {len(text)} characters")
    print(f"{arguments.out / 'calib.jsonl'}: {len(documents)} documents")


if __name__ == "__main__":
    main()
