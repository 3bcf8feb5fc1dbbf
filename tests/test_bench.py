"""`bench/` still works: no figure is asserted, only that the crowd is answered."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BENCH = ROOT / "bench/.venv/bin/python"

pytestmark = pytest.mark.skipif(not BENCH.exists(), reason="THE BENCHMARK IS NOT TESTED: `make bench` makes its environment, bench/.venv")


def test_a_crowd_is_answered() -> None:
    """One second of load on the product: whole conversations go through, and nothing goes wrong."""
    done = subprocess.run(
        [BENCH, "-m", "bench", "run", "product", "intake", "--users", "4", "--seconds", "1"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["messages"] > 0, result["errors"]) == (True, {})
