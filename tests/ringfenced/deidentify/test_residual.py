"""What a scan of the rewritten prompt leaves: never printed, whoever logs it by mistake."""

from ringfence.recognize.view import View
from ringfenced.deidentify.residual import Left


def test_what_holds_content_prints_none():
    left = Left(values={("PERSON", "Margarete")})
    view = View("base64", "Margarete", range(9), range(1, 10))
    for one in (left, view):
        assert "Margarete" not in repr(one)
        assert "values" not in repr(one)
