"""The sections of local models: what an engine does not heed is no silent setting."""

from __future__ import annotations

import pytest

from fakes.daemonfile import GOOD, read
from ringfence.configfile import ConfigError


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("", "needs either path"),
        ('path = "m"\nlibrary = "m"', "needs either path"),
        ('engine = "vllm"\npath = "m"\ngpu_layers = 3\nsha256 = ""', 'sha256, gpu_layers: nothing that engine "vllm"'),
        ('path = "m"\nvllm = { tensor_parallel = 2 }', 'vllm: nothing that engine "llama.cpp" heeds'),
        ('engine = "command"', "needs command, the program and its arguments"),
    ],
)
def test_what_does_not_fit_its_engine_is_told(model, told):
    with pytest.raises(ConfigError) as caught:
        read(f'{GOOD}[[models]]\nname = "m"\n{model}\n')
    assert told in str(caught.value)


def test_a_path_and_an_engine_suffice():
    assert read(f'{GOOD}[[models]]\nname = "m"\npath = "m.gguf"\n').models[0].engine == "llama.cpp"
