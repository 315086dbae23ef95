"""A key that its family has no use for is no new key."""

import pytest

from ringfence_agent.config_provider import Clearance, ProviderConfig
from ringfence_agent.keys import Key, KeyUnreadable
from ringfence_agent.providers.make import fitting

pytest.importorskip("botocore", reason="the extra bedrock is not installed")


class Place:
    lies = "AKIAEXAMPLE:secret"

    def __call__(self):
        return self.lies


def provider(kind):
    return ProviderConfig(
        name="cloud",
        kind=kind,
        base_url="https://provider.example",
        authority="ca.pem",
        api_key_file="api.key",
        clearance=Clearance(level="INTERNAL"),
        models={"m": "anthropic.claude"},
        **({"aws_region": "eu-central-1"} if kind == "bedrock" else {}),
    )


def test_a_new_key_of_the_wrong_form_leaves_bedrocks_old_one_in_use():
    place = Place()
    key = Key(fitting(provider("bedrock"), place))
    place.lies = "AKIAEXAMPLE:geheim:token:more"
    with pytest.raises(KeyUnreadable, match="ACCESS_KEY_ID:SECRET") as raised:
        key.rotate()
    assert "geheim" not in str(raised.value)
    assert key() == "AKIAEXAMPLE:secret"


def test_other_families_take_any_key():
    place = Place()
    assert fitting(provider("openai"), place) is place
