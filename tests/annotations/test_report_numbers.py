"""Numbers as people read them: what is rounded never says the opposite."""

import numpy as np
import pytest

from annotations.documents.blocks import PValue
from annotations.documents.numbers import boundary, p_is, p_value
from annotations.documents.renderers.latex import cell


@pytest.mark.parametrize(
    ("p", "limit", "shown"),
    [
        (0.0503, None, "0.0503"),
        (0.04996, None, "0.04996"),
        (0.0495, None, "0.0495"),
        (0.05, None, "0.050"),
        (0.0312, None, "0.031"),
        (0.0004, None, "< 0.001"),
        (0.0004, 0.000015, "0.0004"),
        (0.00001, 0.000015, "0.00001"),
        (1e-12, 0.000015, "< 0.00001"),
        (0.0004, 0.0, "< 0.001"),
        (0.0293, 0.0294, "0.029"),
        (0.02941, 0.02938, "0.0294"),
        (1.0, None, "1.000"),
        (None, None, "–"),
    ],
)
def test_a_p_value_stays_on_its_side(p: float | None, limit: float | None, shown: str) -> None:
    assert p_value(p, limit) == shown
    if p is not None:
        assert p_is(p, limit) == (f"p {shown}" if shown.startswith("<") else f"p = {shown}")
        assert cell(PValue(p, limit)) == "$" + shown.replace(" ", "") + "$"


def test_any_p_value_beside_any_boundary() -> None:
    draw = np.random.default_rng(1)
    for _ in range(3000):
        limit = float(10 ** draw.uniform(-7, -1.3))
        nearest = draw.choice([limit, 0.05])
        p = float(min(1.0, nearest * (1 + draw.normal() * 10 ** draw.uniform(-6, 0)) ** 2))
        shown = p_value(p, limit)
        if shown.startswith("<"):
            assert p < float(shown[2:]) <= limit
        else:
            assert ((float(shown) < limit), (float(shown) < 0.05)) == ((p < limit), (p < 0.05))
            assert float(shown) == pytest.approx(p, rel=0.5, abs=5e-4)


def test_a_small_boundary_is_not_zero() -> None:
    assert [boundary(each) for each in (0.0294, 0.00305, 0.0000153)] == ["0.0294", "0.0031", "1.5e-05"]
