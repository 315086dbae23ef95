"""A rules file: what can be used, and what is told of what cannot: file, line, field."""

from pathlib import Path

import pytest

from ringfence.configfile import ConfigError, parse
from ringfenced.cli.auditing.rules import Rules, Webhook

ROOT = Path(__file__).parents[4]

RATE = '[[rate]]\nname = "a"\nlimit = 3\n'


def read(text, path="/site/rules.toml"):
    return parse(text, Path(path), Rules)


def test_the_example_can_be_used():
    rules = read((ROOT / "examples" / "rules.toml").read_text())
    assert len(list(rules.all())) == 10


def test_the_examples_commented_parts_can_be_used_too():
    text = (ROOT / "examples" / "rules.toml").read_text()
    lines = [
        line.removeprefix("# ")
        if line.startswith(("# [", "# n", "# k", "# r", "# l", "# s", "# t", "# c", "# u", "# a"))
        else line
        for line in text.splitlines()
    ]
    rules = read("\n".join(line for line in lines if not line.startswith("# ")))
    assert len(list(rules.ways())) == 3
    assert rules.lockdown.cert == Path("/site/operator.pem")


def test_paths_count_from_the_files_folder():
    rules = read(RATE + '[[syslog]]\nname = "s"\nto = "tcp+tls://a"\nca = "ca.pem"\n')
    assert rules.syslog[0].ca == Path("/site/ca.pem")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no rule"),
        (RATE.replace("limit = 3", "limit = 0"), "rules.toml:3: rate[0].limit: "),
        (RATE.replace("limit", "limits"), "rules.toml:3: rate[0].limits: is unknown; write limit"),
        ('[[rate]]\nname = "a"\n', "rate[0].limit: is missing. More than so many"),
        (RATE + RATE, "'a' names two things"),
        (RATE + 'actions = ["siem"]\n', "no action is called 'siem'"),
        (RATE + "lockdown = true\n", "[lockdown] does not say"),
        (RATE + '[[command]]\nname = "c"\nargv = ["page"]\n', "absolute path"),
        (RATE + '[[command]]\nname = "stdout"\nargv = ["/x"]\n', "names two things"),
        (RATE + '[[syslog]]\nname = "s"\nto = "out.txt"\n', "rules.toml:6: syslog[0].to: write tcp+tls://"),
        (RATE + '[[syslog]]\nname = "s"\nto = "udp://a"\nca = "x"\n', "for tcp+tls://"),
        (RATE + '[[syslog]]\nname = "s"\nto = "tcp+tls://a"\ncert = "x"\n', "go together"),
        (RATE + '[[webhook]]\nname = "w"\nurl = "http://a/"\n', "webhook[0].url: write https://"),
        (RATE + '[[webhook]]\nname = "w"\nurl = "https://user@a/"\n', "write https://"),
        ('[[seen]]\nname = "a"\n', "say which entries"),
        ('[[norm]]\nname = "a"\nof = "cost_microcredits"\nper = "caller"\n', "bear no caller"),
        ('[[norm]]\nname = "a"\ndays = 3\n', "days_min is at most days"),
        ('[[silence]]\nname = "a"\nbetween = "7-19"\n', "silence[0].between"),
        ('[[rates]]\nname = "a"\n', "rates: is unknown; write rate"),
        ("[[rate]\n", "this is no TOML"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(text, said):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://a.example", ("a.example", 443, "/")),
        ("https://a.example:8443/x?y=1", ("a.example", 8443, "/x?y=1")),
        ("https://[::1]:1/", ("::1", 1, "/")),
    ],
)
def test_a_webhooks_address_is_taken_apart(url, address):
    assert Webhook(name="w", url=url).address() == address
