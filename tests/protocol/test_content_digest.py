"""Content-Digest: one sha-256 digest in its one form, of an empty body too (RFC 9530)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.content_digest import content_digest, is_content_digest, matches


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"hello": "world"}\n', "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"),
        (b"", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
    ],
)
def test_the_digests_are_those_of_rfc_9530_appendix_b(body: bytes, value: str) -> None:
    assert content_digest(body) == value
    assert is_content_digest(value)
    assert matches(value, body)


@given(st.binary(max_size=40), st.data())
def test_another_body_does_not_match(body: bytes, data: st.DataObject) -> None:
    other = data.draw(st.binary(max_size=40).filter(lambda drawn: drawn != body))
    assert not matches(content_digest(body), other)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sha-256=::",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDh=:",  # left-over bits
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg:",  # no padding
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:;p=1",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:, md5=:AAAA:",
        "SHA-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:\n",
        "é",
    ],
)
def test_any_other_form_is_refused_and_never_matches(value: str) -> None:
    assert not is_content_digest(value)
    assert not matches(value, b'{"hello": "world"}\n')
