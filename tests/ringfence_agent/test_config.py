"""A file that cannot be used is refused with file, line, and what to write instead."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fakes.agent import folder
from ringfence.configfile import ConfigError, Section, line_of
from ringfence.labels import Level
from ringfence.recognize import Finding
from ringfence_agent import build, config, config_provider
from ringfence_agent.config import demand_private

EXAMPLE = Path(__file__).parents[2] / "agent" / "example.toml"


@pytest.fixture
def file(tmp_path):
    return folder(tmp_path, "https://provider.example/v1")


def line_with(file, text):
    return next(number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line)


def refused(file):
    with pytest.raises(ConfigError) as caught:
        build.prepare(config.load(file)[0])
    return str(caught.value)


def change(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_good_file_is_read_and_paths_are_relative_to_it(file):
    settings, digest = config.load(file)
    assert settings.log.directory == file.parent / "log"
    assert settings.providers[0].models == {"gpt": "gpt-5-mini-2026-01-02"}
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("old", "new", "at", "says"),
    [
        ('region = "eu"', 'regoin = "eu"', "regoin", "providers[0].regoin: is unknown; write region"),
        ('kind = "openai"', 'kind = "banana"', "banana", "providers[0].kind"),
        ('directory = "log"', "", "[log]", "log.directory: is missing. Folder of the log"),
        ("https://provider", "http://provider", "http://provider", "write https://host"),
        ("https://provider", "https://user@provider", "user@", "write https://host"),
        ('level = "INTERNAL"', 'level = "internal"', "internal", "PUBLIC, INTERNAL"),
        ("spiffe://ringfence.local/daemon", "daemon", "identities", "write a SPIFFE id"),
        ('authority = "provider-ca.pem"', 'pins = ["c2hvcnQ="]', "pins", "openssl pkey -pubin"),
        ('authority = "provider-ca.pem"', "", "[[providers]]", "nothing says whom to trust"),
        ('api_key_file = "api.key"', "", "[[providers]]", "write one of api_key_file, api_key_credential and"),
        ('region = "eu"', 'api_key_credential = "cloud"', "[[providers]]", "write one of api_key_file"),
        ('api_key_file = "api.key"', 'api_key_credential = "../cloud"', "../cloud", "api_key_credential"),
        ('region = "eu"', 'proxy = "https://proxy:3128"', "proxy =", "write http://host:port"),
        ('region = "eu"', 'proxy = "http://proxy"', "proxy =", "write http://host:port"),
        ('region = "eu"', 'proxy = "http://user:secret@proxy:3128"', "proxy =", "write http://host:port"),
        ('region = "eu"', 'proxy = "http://proxy:99999"', "proxy =", "write http://host:port"),
        ('region = "eu"', 'proxy = "http://proxy:3128/path"', "proxy =", "write http://host:port"),
        ('region = "eu"', 'proxy_credentials = "api.key"', "[[providers]]", "proxy_credentials are for a proxy"),
        ('region = "eu"', 'padding = "some"', "padding", "none"),
        ('region = "eu"', "attempts_max = 9", "attempts_max", "less than or equal to 5"),
        ("drain_seconds_max = 1.0", "drain_seconds_max = -1", "drain", "greater than or equal to 0"),
        ("drain_seconds_max = 1.0", "drain_seconds_max", "drain_seconds_max", "this is no TOML"),
        (
            "drain_seconds_max = 1.0",
            "[lockdown]\noperators_to_stop = 2",
            "[lockdown]",
            "stopping must be at least as easy, so make operators_to_lift as large",
        ),
        (
            "drain_seconds_max = 1.0",
            "[lockdown]\noperators_to_lift = 2\noperators = { anna = 'anna.pub' }",
            "[lockdown]",
            "lockdown.operators names 1; add the others' keys",
        ),
        ("[listen]", "[listen]\nkey_exchange_groups = ['RSA']", "RSA", "X25519MLKEM768"),
        ("[listen]", "[listen]\nkey_exchange_groups = []", "key_exchange_groups", "listen.key_exchange_groups"),
        ('address = "unix:', 'address = "http:', "address", "write unix:/path/agent.sock or host:port"),
        ("[daemon]", "[deamon]", "[deamon]", "deamon: is unknown; write daemon"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_remedy(file, old, new, at, says):
    change(file, old, new)
    said = refused(file)
    assert f"{file}:{line_with(file, at)}: " in said
    assert says in said


def test_a_value_is_never_repeated(file):
    """Somebody may have pasted a key where it does not belong."""
    change(file, 'region = "eu"', 'region = ["sk-very-secret"]')
    assert "sk-very-secret" not in refused(file)


@pytest.mark.parametrize("name", ["api.key", "agent.key", "log.key"])
def test_a_secret_that_others_can_read_is_refused(file, name):
    (file.parent / name).chmod(0o644)
    assert f"{name}: mode 0644 lets others read a secret; run chmod 0400" in refused(file)
    (file.parent / name).unlink()
    assert name in refused(file)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("permit.pub", "nonsense", "no Ed25519 public key"),
        ("log.key", "nonsense", "no Ed25519 private key"),
        ("provider-ca.pem", "nonsense", "no PEM certificates"),
        ("api.key", "two\nlines", "not an API key"),
        ("api.key", "", "not an API key"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_named(file, name, content, says):
    path = file.parent / name
    path.chmod(0o600)
    path.write_text(content)
    said = refused(file)
    assert name in said
    assert says in said


def test_two_providers_need_two_names(file):
    text = file.read_text()
    file.write_text(text + text[text.index("[[providers]]") :])
    assert "two providers have the same name" in refused(file)


def test_lines_are_found_in_the_right_table_of_an_array():
    text = '[[providers]]\nname = "a"\n\n[[providers]]\nname = "b"\n[providers.clearance]\nlevel = "X"\n'
    assert line_of(text, ("providers", 0, "name")) == 2
    assert line_of(text, ("providers", 1, "name")) == 5
    assert line_of(text, ("providers", 1, "clearance", "level")) == 7
    assert line_of(text, ("providers", 1, "missing")) == 4


def test_the_command_says_whether_a_file_is_fine(file):
    """Exit code 0 and a word, or 2 and the reason, on the right stream."""
    command = [sys.executable, "-m", "ringfence_agent", "--check-config", "--config", str(file)]
    fine = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, f"{file}: fine\n", "")
    change(file, 'region = "eu"', 'regoin = "eu"')
    wrong = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (78, "")
    assert "write region" in wrong.stderr
    assert not (file.parent / "log").exists()


def test_the_example_is_a_good_file(tmp_path):
    """Its keys and values; the files that it names are not there."""
    text = EXAMPLE.read_text()
    settings = config.Config.model_validate(tomllib.loads(text), context=tmp_path)
    assert settings.providers


def test_every_field_is_documented():
    """By the sentence under it, which is also what an error message says."""
    sections = [
        value
        for module in (config, config_provider)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Section) and value is not Section
    ]
    assert len(sections) > 10
    for section in sections:
        for name, field in section.model_fields.items():
            assert field.description, name


def test_a_secret_of_root_may_be_read_by_its_group(tmp_path, monkeypatch):
    """As Kubernetes hands secrets to a pod that is not root; anybody else's secret may not."""
    secret = tmp_path / "key"
    secret.write_text("x")
    secret.chmod(0o440)
    monkeypatch.setattr("os.geteuid", lambda: 10002)
    if secret.stat().st_uid == 0:
        demand_private(secret)
    secret.chmod(0o444)
    with pytest.raises(ConfigError, match="0444"):
        demand_private(secret)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    secret.chmod(0o440)
    with pytest.raises(ConfigError, match="0440"):
        demand_private(secret)


def test_the_agent_judges_by_a_table_of_its_own(file):
    """What its section says is what its gate goes by; a section that widens is refused."""
    name = [Finding(0, 5, "PERSON", 1.0, "t")]
    text = file.read_text()
    shipped = build.prepare(config.load(file)[0])
    assert shipped.rules.label_of(name).level is Level.CONFIDENTIAL
    file.write_text(text + '[[classification.rules]]\nentity = "PERSON"\nlevel = "RESTRICTED"\n')
    stricter = build.prepare(config.load(file)[0])
    assert stricter.rules.label_of(name).level is Level.RESTRICTED
    assert stricter.policy_digest != shipped.policy_digest
    file.write_text(text + '[[classification.rules]]\nentity = "PERSON"\nfound = false\n')
    assert "classification.rules[0]: PERSON cannot be turned off" in refused(file)


def test_a_plug_in_that_asks_a_model_belongs_into_the_daemons_file(file):
    file.write_text(file.read_text() + '[[classification.plugins]]\nname = "second"\nkind = "llm"\nmodel = "house"\n')
    assert "plug-in second asks a model, and the agent has none; remove it here" in refused(file)


def test_the_command_reads_the_sites_own_files_and_tells_wrong_lines(file):
    (file.parent / "allow.toml").write_text('[[allow]]\nterms = ["Joanna Whitfield"]\ntypes = ["SSN"]\n')
    file.write_text(file.read_text() + '[classification]\nallow_files = ["allow.toml"]\n')
    said = refused(file)
    assert "allow.toml:3: " in said
    assert "Joanna" not in said


def test_a_certificate_with_another_key_is_refused_before_anything_listens(file):
    (file.parent / "agent.key").unlink()
    (file.parent / "agent.key").write_bytes((file.parent / "daemon.key").read_bytes())
    (file.parent / "agent.key").chmod(0o400)
    assert "agent.key: not the private key of the first certificate in" in refused(file)


def test_operators_keys_are_read_and_must_be_ed25519(file):
    text = file.read_text()
    file.write_text(f"{text}\n[lockdown]\noperators = {{ anna = 'permit.pub' }}\n")
    assert set(build.prepare(config.load(file)[0]).operator_keys) == {"anna"}
    file.write_text(f"{text}\n[lockdown]\noperators = {{ anna = 'ca.pem' }}\n")
    assert "no Ed25519 public key" in refused(file)


PRICE_OF_A_SHORT_ANSWER = (
    "prices.m = { prompt_microcredits_per_1k_tokens = 1, completion_microcredits_per_1k_tokens = 1, "
    "completion_tokens_max = 100 }"
)
FAMILIES = {
    "azure": ("https://site.openai.azure.com", 'api_version = "2024-10-21"'),
    "anthropic": ("https://api.anthropic.com", ""),
    "gemini": ("https://generativelanguage.googleapis.com", ""),
    "bedrock": ("https://bedrock-runtime.eu-central-1.amazonaws.com", 'aws_region = "eu-central-1"'),
}


def of_family(file, kind, *, models='{ m = "model-1" }', more=""):
    base_url, needed = FAMILIES[kind]
    text = file.read_text().replace('kind = "openai"', f'kind = "{kind}"\n{needed}\n{more}')
    text = text.replace("https://provider.example/v1", base_url)
    file.write_text(text.replace('{ gpt = "gpt-5-mini-2026-01-02" }', models))


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_family_can_be_configured(file, kind):
    more = "" if kind == "anthropic" else 'embedding_models = { e = "eu.cohere.embed-v4" }'
    of_family(file, kind, more=more)
    parts = build.prepare(config.load(file)[0])
    tasks = {model: destination.task for (_, model), destination in parts.rules.destinations.items()}
    assert tasks == ({"m": "chat"} if kind == "anthropic" else {"m": "chat", "e": "embeddings"})


@pytest.mark.parametrize(
    ("kind", "models", "more", "says"),
    [
        ("anthropic", '{ m = "a" }', 'embedding_models = { e = "b" }', "Anthropic has no embeddings"),
        (
            "bedrock",
            '{ m = "a" }',
            'embedding_models = { e = "other.embed" }',
            "amazon.titan-embed-text or cohere.embed",
        ),
        ("azure", '{ m = "a/b" }', "", "stands in a path with azure"),
        (
            "anthropic",
            '{ m = "a" }',
            PRICE_OF_A_SHORT_ANSWER,
            "raise the latter",
        ),
        ("gemini", '{ m = "models/a" }', "", "stands in a path with gemini"),
        ("gemini", '{ m = "a:b" }', "", "stands in a path with gemini"),
        ("anthropic", '{ m = "../x" }', "", "letters, digits and . _ - : / @"),
        ("anthropic", '{ m = "a b" }', "", "letters, digits and . _ - : / @"),
        ("anthropic", '{ m = "a?b" }', "", "letters, digits and . _ - : / @"),
        ("anthropic", '{ m = "a%2e" }', "", "letters, digits and . _ - : / @"),
        ("anthropic", '{ m = "" }', "", "letters, digits and . _ - : / @"),
        ("anthropic", "{ }", "", "list a model under models"),
        ("gemini", '{ m = "a" }', 'embedding_models = { m = "b" }', "never both; the name m stands"),
        ("gemini", '{ m = "a" }', 'embedding_models = { e = "a" }', "never both; the name on the wire a stands"),
        ("gemini", '{ m = "a" }', 'api_version = "v1"', "azure needs api_version"),
        ("gemini", '{ m = "a" }', 'aws_region = "eu-central-1"', "bedrock needs aws_region"),
    ],
)
def test_a_model_that_cannot_be_asked_is_refused_with_the_remedy(file, kind, models, more, says):
    """Routes come from the configuration, so that nothing odd may stand in it."""
    of_family(file, kind, models=models, more=more)
    assert says in refused(file)


@pytest.mark.parametrize(
    ("kind", "needed", "says"),
    [
        ("azure", 'api_version = "2024-10-21"', "azure needs api_version, for example 2024-10-21 or v1"),
        ("bedrock", 'aws_region = "eu-central-1"', "bedrock needs aws_region, for example eu-central-1"),
    ],
)
def test_what_a_family_needs_is_asked_for(file, kind, needed, says):
    of_family(file, kind)
    change(file, needed, "")
    assert says in refused(file)


def test_a_proxys_credentials_are_a_secret_of_their_own(file):
    change(file, 'region = "eu"', 'proxy = "http://proxy:3128"\nproxy_credentials = "proxy.credentials"')
    credentials = file.parent / "proxy.credentials"
    credentials.write_text("agent:geheim\n")
    credentials.chmod(0o444)
    assert "chmod 0400" in refused(file)
    credentials.chmod(0o600)
    credentials.write_text("geheim")
    assert "write user:password and nothing else" in refused(file)
    assert "geheim" not in refused(file)
    credentials.write_text("agent:geheim")
    build.prepare(config.load(file)[0])


def test_pins_stand_beside_an_authority_or_alone(file):
    pin = "A" * 43 + "="
    change(file, 'region = "eu"', f'pins = ["{pin}"]')
    assert config.load(file)[0].providers[0].pins == {pin}
    change(file, 'authority = "provider-ca.pem"', "")
    build.prepare(config.load(file)[0])


def test_a_pkcs11_token_that_is_not_there_stops_the_start(file):
    token = '{ module = "none.so", token = "agent", label = "cloud", pin_file = "api.key" }'
    change(file, 'api_key_file = "api.key"', f"api_key_pkcs11 = {token}")
    assert "provider cloud: " in refused(file)
