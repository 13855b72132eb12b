"""The mask of a preview's line."""

import pytest

from agency_connector.matching.particulars import Particulars
from agency_connector.policy.preview import mask


@pytest.mark.parametrize(
    ("particulars", "masked"),
    [
        (Particulars(given="John", family="Smith", born="1985-03-14"), "J… S…, 19…"),
        (Particulars(given="Ann", middle="Lee", family="De Vries", born="2001"), "A… D… V…, 20…"),
        (Particulars(full_name="Łukasz Nowak", born=""), "Ł… N…, …"),
        (Particulars(full_name="李小龍", born="14/03/1985"), "李…, …"),
        (Particulars(given="9434765919", family="(Smith)", born="x"), "…, …"),
        (Particulars(), "…, …"),
    ],
)
def test_a_mask_shows_initials_and_century(particulars: Particulars, masked: str) -> None:
    """Nothing by which somebody could be looked up."""
    assert mask(particulars) == masked
