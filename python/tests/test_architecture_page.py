# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""docs/Architectures.md says what the architecture files and their tests say."""

from __future__ import annotations

import sys

from import_toys import ROOT


def test_the_page_is_current() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    from architecture_table import PAGE, page

    assert PAGE.read_text() == page(), "run scripts/architecture_table.py"
