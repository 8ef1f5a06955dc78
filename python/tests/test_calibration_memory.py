# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Memory of calibration: one layer's worth, whatever the depth."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

pytestmark = pytest.mark.tools

MARGIN = 0.9  # of four layers in f32 and their Gram matrices


def test_peak_is_bounded_by_a_layer_and_does_not_grow_with_depth(load_script: Callable[[str], ModuleType]) -> None:
    script = load_script("measure_depth")
    facts = script.compare_depths()
    hidden, wide = script.HIDDEN, script.INTERMEDIATE
    narrow = hidden // script.HEADS * script.KV_HEADS
    layer = 2 * hidden * (hidden + narrow) + 3 * hidden * wide + 2 * hidden
    # norm -> q,k,v; v -> o; norm -> gate,up; up -> down: a matrix for each part of the samples.
    gram = 2 * (3 * hidden**2 + wide**2)
    assert facts["bound_bytes"] == 4 * (4 * layer + gram)
    assert max(facts["peak_anonymous_bytes"]) <= MARGIN * facts["bound_bytes"]
    assert min(facts["peak_anonymous_bytes"]) > 4 * layer  # the layer in f32 at least: something was measured
    assert abs(facts["growth"]) <= 0.1
