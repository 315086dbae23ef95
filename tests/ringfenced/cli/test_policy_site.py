"""`ringfence policy` about a site's policy: checked, tried, compared and approved without a daemon."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner

from ringfence.configfile import load
from ringfence.labels import Label
from ringfenced import policyfile
from ringfenced.cli.app import app
from ringfenced.config import Config
from ringfenced.decide.record import Recorded, RecordEncoder
from ringfenced.identify import pseudonym
from ringfenced.inputs import Circumstances, Inputs, configured
from ringfenced.policy import Act, plainest
from ringfenced.policy.approval import approvers

PAGE = (Path(__file__).parents[3] / "docs" / "policy.md").read_text()
WARD = "spiffe://site.example/ward-app"
CONFIG = f"""
state = "state"
[listen]
tcp = "127.0.0.1:0"
tls = {{ ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }}
[[departments]]
name = "ward"
grant_credits = 1
[[departments]]
name = "research"
grant_credits = 1
[[callers]]
identity = "{WARD}"
department = "ward"
[[callers]]
identity = "spiffe://site.example/lab-app"
department = "research"
[[models]]
name = "small"
path = "small.gguf"
[agent]
target = "unix:/run/agent.sock"
tls = {{ ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }}
permit_key = "permit.key"
log_public_key = "log.pub"
log_origin = "site.example/egress"
[[providers]]
name = "cloud"
region = "eu"
contract = "DPA"
clearance = {{ level = "CONFIDENTIAL", categories = ["PHI", "PII"] }}
[[providers.models]]
name = "large"
price = {{ prompt_microcredits_per_1k = 1000, completion_microcredits_per_1k = 1000 }}
"""
STAY = (
    '@id("ward stays") forbid(principal in Department::"ward", action, resource)'
    ' when { resource.kind == "provider" };\n'
)
ALL = '@id("all") permit(principal, action, resource);\n'
KEY = bytes(range(32))


@pytest.fixture
def site(tmp_path):
    """A folder with a site's files; its policy keeps what is PHI."""
    (tmp_path / "ringfenced.toml").write_text(
        CONFIG
        + '[policy]\nfile = "policy.cedar"\n'
        + '[[policy.rules]]\nname = "PHI stays"\ncategories = ["PHI"]\nonly_site = true\n'
    )
    (tmp_path / "policy.cedar").write_text(ALL)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["policy", *map(str, arguments)], catch_exceptions=False)


def config_of(folder):
    return load(folder / "ringfenced.toml", Config)


def test_check_says_what_each_policy_says_and_doubts_names_that_nobody_has(site):
    file = site / "new.cedar"
    file.write_text(ALL + STAY.replace("ward", "wrad"))
    result = run("check", file, "--config", site / "ringfenced.toml", "--json")
    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert [(one["effect"], one["name"]) for one in said["policies"]] == [
        ("permit", "all"),
        ("forbid", "wrad stays"),
        ("forbid", "PHI stays"),
    ]
    assert said["doubts"][0]["place"] == f"{file}:2:39"
    assert 'can never apply: Department::"wrad"' in said["doubts"][0]["what"]
    assert said["doubts"][0]["what"].endswith('; write Department::"ward"')
    assert "0 doubts" in run("check", "--config", site / "ringfenced.toml").stdout


def test_check_names_line_and_column(site):
    file = site / "new.cedar"
    file.write_text(ALL + "permit(principal action, resource);\n")
    result = run("check", file)
    assert result.exit_code == 2
    assert f"{file}:2:18: this is no Cedar: unexpected token `action`" in result.stderr


def test_check_needs_something_to_check():
    assert run("check").exit_code == 2


def test_the_digest_that_check_tells_is_the_one_that_would_be_in_force(site):
    said = json.loads(run("check", "--config", site / "ringfenced.toml", "--json").stdout)
    assert said["digest"] == policyfile.load(config_of(site), 0).digest


CASES = f"""
[[case]]
name = "a note to the cloud"
who = "ward-app"
label = "CONFIDENTIAL"
categories = ["PHI"]
findings = ["MRN"]
to = "cloud"
deidentified = true
expect = "refused"
by = "PHI stays"

[[case]]
name = "a restricted one"
who = "{WARD}"
label = "RESTRICTED"
sent = "RESTRICTED"
to = "cloud/large"
deidentified = true
expect = "refused"
by = "label"

[[case]]
who = "lab-app"
label = "PUBLIC"
to = "site"
expect = "allowed"
"""


def test_cases_come_out_as_floor_and_policy_say_together(site):
    (site / "cases.toml").write_text(CASES)
    result = run("test", site / "cases.toml", "--config", site / "ringfenced.toml")
    assert result.exit_code == 0, result.output
    assert "3 of 3 cases came out as they say" in result.stdout


def test_a_case_that_comes_out_otherwise_fails_and_says_what_happened(site):
    (site / "cases.csv").write_text(
        "name,who,label,categories,findings,to,deidentified,expect,by\n"
        "a,ward-app,CONFIDENTIAL,PHI PII,MRN,cloud,true,allowed,\n"
        "b,ward-app,PUBLIC,,,cloud,,allowed,\n"
    )
    result = run("test", site / "cases.csv", "--config", site / "ringfenced.toml", "--json")
    assert result.exit_code == 1
    one, other = map(json.loads, result.stdout.splitlines())
    assert (one["ok"], one["problem"], one["policies"]) == (False, "refused, not allowed", ["PHI stays"])
    assert other["ok"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('to = "cloud"', 'to = "clout"'), "cases.toml:2: to: there is no such target; write cloud"),
        (('"ward-app"', '"ward"'), "cases.toml:2: who: there is no such caller; write ward-app"),
        (('expect = "refused"', 'expect = "no"'), "cases.toml:2: expect: Input should be 'allowed' or 'refused'"),
        (("deidentified =", "deidentify ="), "cases.toml:2: deidentify: is unknown"),
        (('label = "CONF', 'label = "CONV'), "cases.toml:2: label"),
        (("[[case]]", "[[case]"), "is no TOML"),
    ],
)
def test_a_case_that_makes_no_sense_is_told_with_its_line(site, change, told):
    (site / "cases.toml").write_text(CASES.replace(*change, 1).replace("[[case]\n", "[[case]\n[[case]]\n"))
    result = run("test", site / "cases.toml", "--config", site / "ringfenced.toml")
    assert result.exit_code == 2
    assert told in result.stderr


def record(folder, name="decisions.jsonl"):
    """Two decisions about public requests, the ward's and the laboratory's, under the policy as it is."""
    config = config_of(folder)
    book, targets = policyfile.load(config, 0), policyfile.targets(config)
    encoder = RecordEncoder(lambda identity: pseudonym(KEY, identity))
    lines = []
    for number, caller in enumerate(config.callers_by_identity().values()):
        asked = replace(plainest(caller), prompt_chars=400, tokens_max=100, label=Label())
        inputs = Inputs(asked, targets, configured(targets), book.rulings(asked, targets), Circumstances(10**9, None))
        lines += encoder.lines(Recorded(str(number), number, inputs))
    (folder / name).write_text("".join(lines))
    return folder / name


def test_diff_replays_decisions_under_another_policy(site):
    decisions = record(site)
    (site / "new.cedar").write_text(ALL + STAY)
    result = run("diff", site / "new.cedar", "--config", site / "ringfenced.toml", "--decisions", decisions, "--json")
    said = json.loads(result.stdout)
    assert (said["decisions"], said["same"]) == (2, 1)
    (change,) = said["changes"]
    assert (change["outcome"], change["closed"], change["by"]) == ("narrower", "cloud/large", "ward stays")
    assert change["who"].startswith("ward ")
    assert change["count"] == 1


def test_diff_knows_callers_where_the_key_for_pseudonyms_can_be_read(site):
    decisions = record(site)
    (site / "new.cedar").write_text(ALL + f'forbid(principal == Caller::"{WARD}", action, resource);')
    arguments = ("diff", site / "new.cedar", "--config", site / "ringfenced.toml", "--decisions", decisions)
    assert "2 of 2 decisions stay" in run(*arguments).stdout
    (site / "state").mkdir()
    (site / "state" / "pseudonym.key").write_bytes(KEY)
    result = run(*arguments)
    assert "1 of 2 decisions stay as they were; 1 would change" in result.stdout
    assert "ward-app" in result.stdout


def test_diff_takes_another_configuration_too(site):
    decisions = record(site)
    other = site / "other.toml"
    other.write_text((site / "ringfenced.toml").read_text() + '[[policy.rules]]\nname = "all stay"\nonly_site = true\n')
    result = run("diff", other, "--decisions", decisions, "--json")
    said = json.loads(result.stdout)
    assert [(one["outcome"], one["by"], one["count"]) for one in said["changes"]] == [("narrower", "all stay", 1)] * 2


def test_diff_says_what_it_needs(site):
    (site / "new.cedar").write_text(ALL)
    assert "needs --config" in run("diff", site / "new.cedar", "--decisions", site).stderr
    arguments = ("diff", site / "new.cedar", "--config", site / "ringfenced.toml", "--decisions")
    assert run(*arguments, site / "nowhere").exit_code == 2
    (site / "bad.jsonl").write_text("{}\n")
    assert "line 1" in run(*arguments, site / "bad.jsonl").stderr


def test_two_approvers_let_a_policy_take_effect(site):
    table = "approvals = 2\n"
    for name in ("chief", "privacy"):
        key = Ed25519PrivateKey.generate()
        (site / f"{name}.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (site / f"{name}.pub").write_bytes(
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        table += f'[[policy.approvers]]\nname = "{name}"\npublic_key = "{name}.pub"\n'
    (site / "ringfenced.toml").write_text(CONFIG + '[policy]\nfile = "policy.cedar"\n' + table)
    for name in ("chief", "privacy"):
        result = run("approve", site / "policy.cedar", "--name", name, "--key", site / f"{name}.key")
        assert result.exit_code == 0, result.output
    assert (site / "policy.cedar.approvals").read_text().count("\n") == 2
    assert policyfile.load(config_of(site), 4 * 10**12).rules


PEOPLE = """@id("all") permit(principal, action, resource);
@id("no lift") forbid(principal in Department::"wrad", action == Action::"lift", resource == Node::"node-1");
"""


def test_check_knows_policies_for_people(site):
    """By themselves with --people, and together with the rest where the configuration names them."""
    file = site / "people.cedar"
    file.write_text(PEOPLE)
    assert "2 policies, 0 doubts" in run("check", file, "--people").stdout
    assert "unrecognized action" in run("check", file).stderr
    config = site / "ringfenced.toml"
    arguments = ("check", file, "--people", "--config", config, "--json")
    assert [one["name"] for one in json.loads(run(*arguments).stdout)["policies"]] == [
        *("all", "PHI stays"),
        *("all", "no lift"),
    ]
    config.write_text(
        config.read_text().replace('file = "policy.cedar"', 'file = "policy.cedar"\npeople = "people.cedar"')
    )
    said = json.loads(run("check", "--config", config, "--json").stdout)
    assert said["policies"][-1]["where"] == "node-1"
    (doubt,) = said["doubts"]
    assert 'can never apply: Department::"wrad"' in doubt["what"]
    assert said["digest"] == policyfile.load(config_of(site), 0).digest


ACTS = """
[[case]]
name = "the chief lifts"
who = "chief"
act = "lift"
expect = "allowed"
by = "all"

[[case]]
who = "deputy"
act = "lift"
expect = "refused"
by = "no lift"

[[case]]
who = "ward-app"
act = "lift"
expect = "refused"
by = "role"

[[case]]
who = "ward-app"
label = "PUBLIC"
to = "cloud"
expect = "allowed"
"""
OPERATORS = "".join(
    f'[[callers]]\nidentity = "spiffe://site.example/{name}"\ndepartment = "ward"\nroles = ["operator"]\n'
    for name in ("chief", "deputy")
)
NO_LIFT = """@id("all") permit(principal, action, resource);
@id("no lift") forbid(principal, action == Action::"lift", resource)
unless { principal == Caller::"spiffe://site.example/chief" };
"""


@pytest.fixture
def staffed(site):
    """The same site with operators and a policy for people."""
    config = site / "ringfenced.toml"
    table = 'file = "policy.cedar"\npeople = "people.cedar"'
    config.write_text(config.read_text().replace('file = "policy.cedar"', table) + OPERATORS)
    (site / "people.cedar").write_text(NO_LIFT)
    return site


def test_cases_say_what_people_may_do_beside_what_requests_may(staffed):
    """By roles and the policy for people, in the same file as the others."""
    (staffed / "cases.toml").write_text(ACTS)
    arguments = ("test", staffed / "cases.toml", "--config", staffed / "ringfenced.toml")
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "4 of 4 cases came out as they say" in result.stdout
    said = [json.loads(line) for line in run(*arguments, "--json").stdout.splitlines()]
    assert [(one.get("act"), one.get("to"), one["allowed"], one["rule"]) for one in said] == [
        ("lift", None, True, ""),
        ("lift", None, False, "policy"),
        ("lift", None, False, "role"),
        (None, "cloud", True, ""),
    ]
    (staffed / "people.cedar").write_text(ALL)
    result = run(*arguments)
    assert result.exit_code == 1
    assert "allowed, not refused" in result.stdout
    (staffed / "cases.csv").write_text("who,act,expect,by\nward-app,feedback,allowed,all\n")
    assert run("test", staffed / "cases.csv", "--config", staffed / "ringfenced.toml").exit_code == 0


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ('act = "lft"\n', ":1: act: there is no such action; write lift"),
        ('act = "lift"\nlabel = "PUBLIC"\n', ":1: label: is unknown here; remove it"),
        ('act = "lift"\nto = "cloud"\n', ":1: to: is unknown here; remove it"),
        ("", ":1: label: Field required"),
    ],
)
def test_a_case_is_about_an_act_or_about_a_request(site, case, told):
    (site / "cases.toml").write_text('[[case]]\nwho = "ward-app"\nexpect = "allowed"\n' + case)
    result = run("test", site / "cases.toml", "--config", site / "ringfenced.toml")
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_policy_for_people_is_approved_as_what_it_is(site):
    (site / "people.cedar").write_text(PEOPLE)
    key = Ed25519PrivateKey.generate()
    (site / "chief.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    arguments = ("approve", site / "people.cedar", "--name", "chief", "--key", site / "chief.key")
    assert "unrecognized action" in run(*arguments).stderr
    assert run(*arguments, "--people").exit_code == 0
    policy, lines = (site / "people.cedar").read_bytes(), (site / "people.cedar.approvals").read_text().splitlines()
    keys = {"chief": key.public_key()}
    assert approvers(policy, lines, keys, 4 * 10**12, "people") == ["chief"]
    assert approvers(policy, lines, keys, 4 * 10**12) == []


def test_nobody_approves_what_could_never_take_effect(site):
    (site / "policy.cedar").write_text("permit(")
    result = run("approve", site / "policy.cedar", "--name", "chief", "--key", site / "chief.key")
    assert result.exit_code == 2
    assert not (site / "policy.cedar.approvals").exists()


@pytest.mark.parametrize("text", ["", "// was here\n"])
@pytest.mark.parametrize("people", [(), ("--people",)])
def test_a_file_that_holds_no_policy_is_neither_checked_nor_approved(site, text, people):
    """The daemon would not take it either."""
    (site / "policy.cedar").write_text(text)
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (site / "chief.key").write_bytes(key)
    for verb, *more in (
        ("approve", "--name", "chief", "--key", site / "chief.key"),
        ("check",),
        ("check", "--config", site / "ringfenced.toml"),
    ):
        result = run(verb, site / "policy.cedar", *more, *people)
        assert result.exit_code == 2, verb
        assert "policy.cedar: holds no policy; write one" in result.stderr
    assert not (site / "policy.cedar.approvals").exists()


def test_the_page_s_policies_and_table_are_good(site):
    """What docs/policy.md shows can be copied."""
    cedar = "\n".join(re.findall(r"```cedar\n(.*?)```", PAGE, re.DOTALL))
    assert cedar.count("forbid") >= 3
    (site / "policy.cedar").write_text(cedar)
    result = run("check", site / "policy.cedar")
    assert result.exit_code == 0, result.output
    (tables,) = re.findall(r"```toml\n(\[policy\].*?)```", PAGE, re.DOTALL)
    (site / "ringfenced.toml").write_text(CONFIG + tables)
    for name in ("chief", "privacy"):
        (site / f"{name}.pub").write_text("")
    (site / "people.cedar").write_text(ALL)
    assert run("check", site / "policy.cedar", "--config", site / "ringfenced.toml").exit_code == 0


def test_the_page_s_cases_come_out_as_they_say(site):
    (cases,) = re.findall(r"```toml\n(\[\[case\]\].*?)```", PAGE, re.DOTALL)
    (acts,) = re.findall(r"```toml acts\n(\[\[case\]\].*?)```", PAGE, re.DOTALL)
    (site / "cases.toml").write_text(cases + acts)
    assert run("test", site / "cases.toml", "--config", site / "ringfenced.toml").exit_code == 0


def test_the_page_s_policy_for_people_is_good(site):
    (cedar,) = re.findall(r"```cedar people\n(.*?)```", PAGE, re.DOTALL)
    (site / "people.cedar").write_text(cedar)
    result = run("check", site / "people.cedar", "--people")
    assert "4 policies, 0 doubts" in result.stdout, result.output


def test_every_word_of_the_schema_stands_on_the_page():
    from ringfenced.policy.vocabulary import CONTEXT  # noqa: PLC0415 - only here

    assert all(f"`{name}`" in PAGE for name in CONTEXT)
    assert all(f"`{act}`" in PAGE for act in Act)
