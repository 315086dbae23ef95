"""Journeys as transcripts that an auditor can read: what a caller asked, and everything that came of it.

    ask as=caller-ward quality=0.9 deidentify hide=John Smith|4711
      Patient: John Smith
    ----
    label CONFIDENTIAL {PHI}
    ...

Above the line: a command and the text of the message, indented. Below it: what must come of it, compared to the letter.
`REWRITE=1 make test ARGS=tests/journeys` writes what came instead, to be read in the change.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from ringfence.client import RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.v1 import types_pb2 as types


@dataclass
class Exchange:
    """One command and what came of it."""

    head: str
    text: str
    said: str


def parse(document):
    """Title and exchanges of a transcript."""
    title, *blocks = document.strip("\n").split("\n\n")
    return title, [_exchange(block) for block in blocks]


def render(title, exchanges):
    """The transcript again."""
    blocks = [f"{e.head}\n{_indented(e.text)}----\n{e.said}" for e in exchanges]
    return "\n\n".join([title, *blocks]) + "\n"


async def play(site, exchange):
    """What comes of one exchange."""
    command, *words = shlex.split(exchange.head)
    assert command == "ask", command
    options = dict(word.partition("=")[::2] for word in words)
    before_provider, before_log = len(site.provider.bodies), len(site.entries())
    client = site.client(options.get("as", "caller-ward"))
    lines = []
    try:
        answer = await client.generate_text(
            exchange.text,
            model=options.get("model", ""),
            label=Label(Level[options["label"]]) if "label" in options else None,
            quality_min=float(options.get("quality", 0)),
            conversation_id=options.get("conversation", ""),
            permission=types.Permission(
                deidentified_egress="deidentify" in options,
                local_only="local" in options,
                ladder_length_max=int(options.get("ladder", 1)),
            ),
            sampling=types.Sampling(tokens_max=int(options.get("tokens", 64))),
        )
        lines += _decided(answer.receipt.decision)
        found = sorted(answer.receipt.findings_by_type.items())
        lines.append("found " + (", ".join(f"{kind} {count}" for kind, count in found) or "nothing"))
        lines.append("ran " + ", ".join(map(_name, answer.receipt.ran)))
        lines += ["said " + line for line in answer.text.splitlines()]
        lines.append(f"cost {answer.receipt.cost_microcredits} microcredits")
        lines += [f"receipt proves entry {json.loads(proof.entry)['kind']}" for proof in answer.receipt.egress]
    except RingfenceCallError as error:
        if error.detail is not None and error.detail.HasField("decision"):
            lines += _decided(error.detail.decision)
        step = f" in step {error.detail.step}" if error.detail is not None and error.detail.step else ""
        lines.append(f"refused {error.code.name} {error.reason}{step}: {error.message}")
    arrived = site.provider.bodies[before_provider:]
    hidden = [word for word in options.get("hide", "").split("|") if word]
    lines += [_arrived(body, hidden) for body in arrived] or ["provider saw nothing"]
    lines += [f"log {_logged(entry)}" for entry in site.entries()[before_log:]]
    return "\n".join(lines)


def _exchange(block):
    above, _, below = (block + "\n").partition("\n----\n")
    head, *text = above.rstrip("\n").split("\n")
    return Exchange(head, "\n".join(line.removeprefix("  ") for line in text), below.rstrip("\n"))


def _indented(text):
    return "".join(f"  {line}\n" for line in text.split("\n"))


def _decided(decision):
    yield f"label {_label(decision.label)}"
    for candidate in decision.candidates:
        what = "chosen" if candidate.chosen else f"not taken ({candidate.rule})"
        yield f"{_name(candidate.target)} {what}: {candidate.reason}"


def _arrived(body, hidden):
    text = body.decode()
    leaked = [word for word in hidden if word in text]
    assert not leaked, f"the provider saw {leaked}"
    content = json.loads(text)["messages"][-1]["content"]
    return f"provider saw {len(content.split())} words" + (f", none of them {' or '.join(hidden)}" if hidden else "")


def _logged(entry):
    told = [entry["kind"]]
    told += [f"{key} {entry[key]}" for key in ("provider", "model", "outcome") if entry.get(key)]
    told += [f"{key} {_written(entry[key])}" for key in ("label_before", "label") if entry.get(key)]
    return ", ".join(told)


def _written(label):
    names = ", ".join(sorted(label["categories"]))
    return f"{label['level']} {{{names}}}" if names else label["level"]


def _label(label):
    names = ", ".join(sorted(types.Category.Name(c).removeprefix("CATEGORY_") for c in label.categories))
    level = types.Level.Name(label.level).removeprefix("LEVEL_")
    return f"{level} {{{names}}}" if names else level


def _name(target):
    return f"{target.provider}/{target.model}" if target.provider else f"local:{target.model}"
