"""A product by the other library is the same product, however its matrices lie."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dubash.model import products

SIZE = st.integers(0, 40)
LAYOUT = st.sampled_from(["plain", "transposed", "part of a wider one", "every second row"])


def laid_out(rows, columns, layout):
    if layout == "transposed":
        return torch.randn(columns, rows).t()
    if layout == "part of a wider one":
        return torch.randn(rows, columns + 3)[:, :columns]
    if layout == "every second row":
        return torch.randn(2 * rows, columns)[::2]
    return torch.randn(rows, columns)


@pytest.fixture(params=[True, False])
def wide(request, monkeypatch):
    """Both ways are there on any CPU that torch has oneDNN for, whichever is the faster."""
    if request.param and not torch.backends.mkldnn.is_available():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(products, "_narrow", lambda: request.param)
    return request.param


@given(SIZE, SIZE, SIZE, LAYOUT, LAYOUT, st.booleans(), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def _same(wide, rows, inner, outer, first, second, biased, seed):
    torch.manual_seed(seed)
    assert products.widest(torch.float32, "cpu") == wide
    x, weight = laid_out(rows, inner, first), laid_out(outer, inner, second)
    bias = torch.randn(outer) if biased else None
    wanted = x.double() @ weight.double().t() + (0 if bias is None else bias.double())
    found = products.linear(x, weight, bias)
    assert found.shape == (rows, outer)
    assert torch.allclose(found.double(), wanted, rtol=1e-5, atol=1e-5)


def test_any_shape_any_layout(wide):
    _same(wide)


def test_more_than_two_dimensions(wide):
    x, weight = torch.randn(2, 5, 7), torch.randn(3, 7)
    assert torch.allclose(products.linear(x, weight), x @ weight.t(), atol=1e-5)


def test_the_same_numbers_each_time(wide):
    x, weight = torch.randn(37, 64), torch.randn(90, 64)
    assert torch.equal(products.linear(x, weight), products.linear(x, weight))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_stay_with_torch(monkeypatch, dtype):
    monkeypatch.setattr(products, "_narrow", lambda: True)
    x, weight = torch.randn(4, 8, dtype=dtype), torch.randn(5, 8, dtype=dtype)
    assert torch.equal(products.linear(x, weight), x @ weight.t())


@pytest.mark.parametrize(
    ("vendor", "capability", "libraries", "expected"),
    [
        ("vendor_id\t: AuthenticAMD\n", "AVX512", (True, True), True),
        ("vendor_id\t: GenuineIntel\n", "AVX512", (True, True), False),
        ("vendor_id\t: AuthenticAMD\n", "AVX2", (True, True), False),
        ("AMD64 Family 26 Model 2 Stepping 1, AuthenticAMD", "AVX512", (True, True), True),
        ("vendor_id\t: AuthenticAMD\n", "AVX512", (False, True), False),
        ("vendor_id\t: AuthenticAMD\n", "AVX512", (True, False), False),
        ("", "AVX512", (True, True), False),
    ],
)
def test_only_where_torchs_own_library_leaves_half_of_the_width_unused(
    monkeypatch, vendor, capability, libraries, expected
):
    monkeypatch.setattr(products, "_vendor", lambda: vendor)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: libraries[0])
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: libraries[1])
    assert products._narrow.__wrapped__() == expected
