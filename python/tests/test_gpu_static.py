"""Counting instructions of machine code, against small listings counted by hand, and occupancy by arithmetic."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import gpu_static  # noqa: E402
import marlin  # noqa: E402
import sass  # noqa: E402


def text_of(name: str, *lines: str) -> str:
    """A function out of labels and instructions, in the form that nvdisasm prints."""
    text = [f"\t.text.{name}:"]
    for place, line in enumerate(lines):
        text.append(f"{line}" if line.endswith(":") else f"        /*{16 * place:04x}*/                   {line} ;")
    return "\n".join(text) + "\n"


def listing(*lines: str) -> sass.Function:
    (function,) = sass.functions(text_of("kernel", *lines))
    return function


# Two products of 256 weights a turn. A turn copies 1024 bytes unless there is nothing left to copy; the way out
# has a product of its own.
RING = (
    "MOV R0, 0x1",
    ".L_x_1:",
    "BAR.SYNC 0x0",
    "@!P0 BRA `(.L_x_2)",
    "LDGSTS.E.BYPASS.128 [R2], [R4.64]",
    "@!P2 LDGSTS.E.BYPASS.128 [R2+0x400], [R4.64+0x400]",
    "LDGSTS.E.BYPASS.128 [R2+0x200], [R4.64+0x200]",
    ".L_x_2:",
    "LDS.128 R8, [R2]",
    "@P3 CALL.REL.NOINC `(.L_x_4)",
    "BRA `(.L_x_3)",
    ".L_x_4:",
    "HMMA.1688.F32 R8, R12, R16, RZ",
    "HMMA.16816.F32 R8, R12, R16, R8",
    "HMMA.16816.F32 R8, R12, R16, R8",
    "BRA `(.L_x_1)",
    ".L_x_3:",
    "HMMA.16816.F32 R8, R12, R16, R8",
    "IADD3 R1, R1, 0x1, RZ",
    "@P4 BRA `(.L_x_1)",
    "EXIT",
)


def test_the_steady_state_copies_what_it_consumes() -> None:
    loop = sass.main_loop(listing(*RING), token_tiles=1, consumed=160)
    assert loop is not None
    # BAR, BRA, three LDGSTS, LDS, CALL, three HMMA, BRA.
    assert loop.instructions == 11
    # The product with zero points (1688) takes no weights.
    assert loop.weights == 512
    assert loop.per_256_weights == 5.5
    assert loop.mix["LDGSTS"] == 3


def test_fragments_that_serve_two_tiles_count_once() -> None:
    loop = sass.main_loop(listing(*RING), token_tiles=2, consumed=192)
    assert loop is not None
    assert loop.weights == 256
    assert loop.per_256_weights == 11


def test_more_bytes_than_any_way_copies() -> None:
    assert sass.main_loop(listing(*RING), token_tiles=1, consumed=2048) is None


def test_with_wgmma_loads_of_codes_are_counted() -> None:
    code = (
        ".L_x_1:",
        "SYNCS.PHASECHK.TRANS64.TRYWAIT P0, [R0+URZ+0x12e80], R27",
        # Zero points: no weights.
        "HGMMA.64x64x16.F32 R40, R64, gdesc[UR8], RZ, !UPT",
        "LDS.128 R76, [R5+0x6500]",
        "HGMMA.64x64x16.F32 R40, R72, gdesc[UR52], R40",
        "HGMMA.64x64x16.F32 R24, R76, gdesc[UR52], R24, gsb0",
        "@P1 BRA `(.L_x_1)",
        "EXIT",
    )
    loop = sass.main_loop(listing(*code), token_tiles=8, consumed=384)
    assert loop is not None
    # 16 bytes a lane are 32 codes, for 32 lanes.
    assert loop.weights == 1024
    assert loop.instructions == 6


def test_without_cp_async_any_way_round_will_do() -> None:
    code = [line for line in RING if "LDGSTS" not in line]
    loop = sass.main_loop(listing(*code), token_tiles=1, consumed=160)
    assert loop is not None
    assert loop.instructions == 8


def test_marlin_is_counted_by_its_tokens() -> None:
    # Two blocks of 16 tokens; groups of 128, and whole rows, which are not counted.
    both = "".join(text_of(f"_Z6MarlinILi256ELi2ELi16ELi4ELi4ELi{groups}EEvPK4int4", *RING) for groups in ("8", "n1"))
    # 128 weights a turn; without copies, it goes past the four instructions from BRA on.
    assert marlin.count(both, copies=True) == {32: 22.0}
    assert marlin.count(both, copies=False) == {32: 16.0}


def test_a_folder_without_marlin(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is no checkout of Marlin"):
        marlin.source(tmp_path)


def test_code_without_a_loop() -> None:
    assert sass.main_loop(listing("HMMA.16816.F32 R8, R12, R16, R8", "EXIT"), 1, 160) is None


@pytest.mark.parametrize(
    ("chip", "registers", "threads", "shared", "blocks"),
    [
        # 164 KB hold two blocks of 63 + 1 KB.
        ("sm_80", 72, 128, 63 << 10, 2),
        # 255 registers are 8192 for a warp, 32768 for a block of four.
        ("sm_80", 255, 128, 1 << 10, 2),
        # 48 warps are 12 blocks of four.
        ("sm_89", 16, 128, 0, 12),
        ("sm_90a", 96, 160, 110 << 10, 2),
    ],
)
def test_blocks_of_an_sm(chip: str, registers: int, threads: int, shared: int, blocks: int) -> None:
    assert gpu_static.blocks_per_sm(chip, registers, threads, shared) == blocks


def test_no_committed_kernel_spills() -> None:
    rows = gpu_static.json.loads((ROOT / "benchmarks" / "results" / "gpu_static.json").read_text(encoding="utf8"))
    assert [row["kernel"] for row in rows["kernels"] if row["spill_bytes"]] == []


FUSED = """
#scheme = #awq.scheme<bits = 4, group = {group}, zero = asymmetric, scale = f16>
func.func @turned(%x: tensor<?x256xf32>, %q: tensor<192x256xi8>, %s: tensor<192x{columns}xf16>,
    %z: tensor<192x{columns}xi8>, %c: tensor<?x32xf32>, %b: tensor<192xf32>) -> tensor<?x192xf32> {{
  %y = awq.fused_linear %x, %q, %s zeros %z bias %b rotary %c, %c
    {{turn = #awq.rotary<heads = 2, head_size = 64>, scheme = #scheme}}
    : (tensor<?x256xf32>, tensor<192x256xi8>, tensor<192x{columns}xf16>, tensor<192x{columns}xi8>, tensor<192xf32>,
       tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x192xf32>
  return %y : tensor<?x192xf32>
}}
func.func @gated(%x: tensor<?x256xf32>, %q: tensor<192x256xi8>, %s: tensor<192x{columns}xf16>,
    %z: tensor<192x{columns}xi8>, %g: tensor<256xf32>, %r: tensor<?x96xf32>) -> tensor<?x96xf32> {{
  %y = awq.fused_linear %x, %q, %s zeros %z norm %g residual %r
    {{norm_epsilon = 1.0e-05, gate = #awq.gate<gelu_tanh>, scheme = #scheme}}
    : (tensor<?x256xf32>, tensor<192x256xi8>, tensor<192x{columns}xf16>, tensor<192x{columns}xi8>, tensor<256xf32>,
       tensor<?x96xf32>) -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}}
"""


def spilling(source: str, chip: str, folder: Path, mode: str = "subnormal") -> list[str]:
    """The kernels of a module that spill."""
    program, out = folder / "linears.mlir", folder / "kernels"
    program.write_text(source, encoding="utf8")
    gpu_static.run(gpu_static.compiler(), program, "-o", out, "--emit=ptx", f"--chip={chip}", f"--kernel-mode={mode}")
    manifest = gpu_static.json.loads((out / "manifest.json").read_text(encoding="utf8"))
    assert all(kernel["cubin"] for kernel in manifest["kernels"])
    return [kernel["name"] for kernel in manifest["kernels"] if kernel["spill_bytes"]]


@pytest.mark.parametrize("chip", [pytest.param("sm_80", marks=pytest.mark.long), "sm_90a"])
@pytest.mark.parametrize("group", [128, pytest.param(0, marks=pytest.mark.long)])
def test_no_fused_or_symmetric_kernel_spills(tmp_path: Path, chip: str, group: int) -> None:
    fused = FUSED.format(group=group, columns=256 // group if group else 1)
    assert spilling(fused + gpu_static.example(group, True), chip, tmp_path) == []


@pytest.mark.parametrize("chip", ["sm_80", "sm_86", "sm_90a"])
def test_no_kernel_of_the_baseline_spills(tmp_path: Path, chip: str) -> None:
    assert spilling(gpu_static.example(64, False), chip, tmp_path, "dequantize") == []


def test_kernels_need_fewer_instructions_than_marlin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole tool, where ptxas and nvdisasm are."""
    output = tmp_path / "gpu_static.json"
    monkeypatch.setattr(sys, "argv", ["gpu_static", "--groups", "128", "-o", str(output)])
    gpu_static.main()
    rows = gpu_static.json.loads(output.read_text(encoding="utf8"))["kernels"]
    assert [(row["chip"], row["mode"], row["max_tokens"]) for row in rows] == [
        (chip, "scaled" if tokens == 128 else mode, tokens)
        for chip in ("sm_80", "sm_86", "sm_89", "sm_90a")
        for mode in ("subnormal", "exact", "planes")
        for tokens in {"subnormal": (8, 16, 32, 64, 128), "exact": (8, 16, 32), "planes": (2, 4)}[mode]
    ]
    goals = {
        "subnormal": {8: 9.5, 16: 11.5, 32: 16.0, 64: 24.0},
        "exact": {8: 14.0, 16: 16.0, 32: 20.5},
        "planes": {2: 6.0, 4: 9.0},
        "scaled": {128: 38.0},
    }
    by_wgmma = {32: 12.0, 64: 15.0, 128: 19.0}
    for row in rows:
        assert row["spill_bytes"] == 0
        if row["chip"] == "sm_90a" and row["tile_rows"] == 256 and row["mode"] != "exact":
            assert row["per_256_weights"] <= by_wgmma[row["max_tokens"]]
        elif row["chip"] in gpu_static.MARLIN:
            assert row["per_256_weights"] <= goals[row["mode"]][row["max_tokens"]]
        if bar := gpu_static.marlin(row["chip"], row["max_tokens"]):
            assert row["per_256_weights"] < bar
    # What hides the latency of memory: 11, 4, 5 and 39 KB; with few tokens, nothing else takes shared memory.
    needed = {"sm_80": 11, "sm_86": 4, "sm_89": 5, "sm_90a": 39}
    assert all(row["weights_in_flight"] >= needed[row["chip"]] << 10 for row in rows)
    assert all(
        row["weights_in_flight"] >= 64 << 10 for row in rows if row["chip"] == "sm_90a" and row["max_tokens"] <= 64
    )
