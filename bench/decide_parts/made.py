"""A site and its requests, made by numbers: the same for every run."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ringfence.labels import Category, Label, Level
from ringfence.recognize.finding import Finding
from ringfenced.config import Routing
from ringfenced.inputs import Asked, Rating, Rulings
from ringfenced.learn.features import NAMES, featured
from ringfenced.learn.fit_heads import TREES, TREES_MODELS_MAX
from ringfenced.learn.fit_trees import boosted
from ringfenced.learn.guard import GUARD_NONE
from ringfenced.learn.heads import HEADS_MAX, Heads
from ringfenced.learn.learned import Learned
from ringfenced.learn.lesson import Lesson
from ringfenced.learn.prior import PRIOR, SAID, Prior
from ringfenced.learn.trees import no_trees
from ringfenced.model import (
    Caller,
    CallerRole,
    Classification,
    Located,
    Message,
    Offer,
    Permission,
    Prompt,
    Request,
    Role,
    Target,
    TargetKind,
    Text,
)
from ringfenced.policy import ProviderFacts, Rulebook, Source, World, parse
from ringfenced.site.learning import SiteLearning

PROVIDERS = [f"provider-{number}" for number in range(12)]
DEPARTMENTS = [f"department-{number}" for number in range(40)]
TASKS = ["", "letters", "coding", "extract-note", "summary", "triage"]
TEXT = "the patient was seen in clinic today and reports no further pain after the change of dose"

Rate = Callable[[Request, Asked, tuple[Offer, ...]], Rating]
Rule = Callable[[Asked, tuple[Offer, ...]], Rulings]


@dataclass(frozen=True, slots=True)
class Asking:
    """A request on its way into step 3."""

    request: Request
    caller: Caller
    classification: Classification
    last: int
    """Which offer the conversation was at."""
    draw: float
    """Chance."""


def offers(count: int) -> tuple[Offer, ...]:
    """Targets whose quality costs the more the higher it is; a third each local, on peers, and at providers."""
    chance = random.Random(count)
    made = []
    for number in range(count):
        kind = (TargetKind.LOCAL, TargetKind.PEER, TargetKind.PROVIDER)[number % 3]
        quality, leaves = chance.random(), kind is TargetKind.PROVIDER
        target = Target(
            kind,
            f"model-{number}",
            provider=PROVIDERS[number % len(PROVIDERS)] if leaves else "",
            node=f"node-{number % 5}" if kind is TargetKind.PEER else "",
            region=("eu", "us")[number % 2] if leaves else "",
        )
        away = chance.random() < 0.05
        made.append(
            Offer(
                target=target,
                available=not away,
                unavailable_reason="loading" if away else "",
                quality=quality,
                context_tokens_max=8192 * (1 + number % 4),
                prompt_microcredits_per_1k_tokens=int(20 + chance.random() * quality * 3000),
                completion_microcredits_per_1k_tokens=int(60 + chance.random() * quality * 9000),
                first_token_ms=50 + chance.random() * 400,
                token_ms=1 + chance.random() * 20,
                clearance=Label(Level(1 + number % 3), frozenset({Category.PHI}) if number % 2 else frozenset())
                if leaves
                else None,
                supports_tools=number % 4 != 0,
                evaluators=() if leaves else ("schema",),
            )
        )
    return tuple(made)


def askings(count: int, offers_count: int, *, ladder: int) -> list[Asking]:
    """Requests of forty departments, of every label, length and task, in no order."""
    chance = random.Random(7)
    made = []
    for number in range(count):
        department = chance.choice(DEPARTMENTS)
        level = chance.choice(list(Level)[:3])
        categories = frozenset(chance.sample([Category.PHI, Category.PII, Category.FINANCIAL], chance.randrange(3)))
        has_findings = chance.random() < 0.6
        found = (Located("messages[0].parts[0].text", Finding(0, 4, "PERSON", 0.9, "t")),) if has_findings else ()
        text = " ".join(chance.choices(TEXT.split(), k=chance.choice([20, 100, 100, 400])))
        asserted = Label(Level(min(level, Level.INTERNAL)))
        made.append(
            Asking(
                Request(
                    f"r{number}",
                    Prompt((Message(Role.USER, (Text(text),)),)),
                    permission=Permission(deidentified_egress=True, ladder_length_max=ladder),
                    task=chance.choice(TASKS),
                    quality_min=chance.choice([0.0, 0.3, 0.5, 0.7]),
                ),
                Caller(
                    f"spiffe://site/{department}/app-{chance.randrange(5)}",
                    "site",
                    department,
                    frozenset({CallerRole.CALLER}),
                    Label(),
                ),
                Classification(
                    Label(level, categories) if has_findings else asserted, asserted, found, len(text), (), found
                ),
                chance.randrange(offers_count),
                chance.random(),
            )
        )
    return made


def cedar(count: int) -> str:
    """So many policies: a permit, and forbids by department, task, provider, region, label and length."""
    chance = random.Random(11)
    lines = ['@id("all")\npermit(principal, action, resource);']
    heads = (
        lambda: (f'principal in Department::"{chance.choice(DEPARTMENTS)}"', "action", "resource"),
        lambda: (f'principal == Caller::"spiffe://site/other-{chance.randrange(10_000)}"', "action", "resource"),
        lambda: ("principal", "action", f'resource in Provider::"{chance.choice(PROVIDERS)}"'),
        lambda: (
            f'principal in Department::"{chance.choice(DEPARTMENTS)}"',
            'action == Action::"generate"',
            f'resource == Model::"{chance.choice(PROVIDERS)}/model-{chance.randrange(200)}"',
        ),
    )
    whens = (
        lambda: f'context.task == "forbidden-{chance.randrange(1000)}"',
        lambda: f'context.level_rank >= {chance.randrange(3, 5)} && resource.region == "us"',
        lambda: f'context.categories.contains("PCI") && context.source == "system-{chance.randrange(50)}"',
    )
    for number in range(count - 1):
        head = ", ".join(chance.choices(heads, (2, 5, 1, 4))[0]())
        lines.append(f'@id("rule-{number}")\nforbid({head})\nwhen {{ {chance.choice(whens)()} }};')
    return "\n".join(lines)


def rule(count: int, all_: tuple[Offer, ...]) -> tuple[str, Rule]:
    """What the policy says, in Cedar."""
    facts = {name: ProviderFacts("eu", "DPA", Label(Level.CONFIDENTIAL)) for name in PROVIDERS}
    book = Rulebook(parse([Source("bench.cedar", cedar(count))]), World(facts))
    book.prepare(all_)
    return f"{len(book.rules):,} policies in Cedar", book.rulings


def rate(all_: tuple[Offer, ...]) -> tuple[str, Rate]:
    """What is expected of each answer, by the daemon's own `SiteLearning`: heads for all models up to `HEADS_MAX`."""
    prior = Prior.from_bytes(PRIOR.read_bytes())
    models = tuple(offer.target.model for offer in all_)
    learned = Learned(heads(models[:HEADS_MAX]), GUARD_NONE, {}, 10_000, 0)
    site = SiteLearning(
        Routing(good_answer_microcredits=20_000.0, explore=0.02),
        lambda: learned,
        _Nobody(),
        read=partial(featured, salt=b"0" * 16, prior=prior),
        pseudonym=str,
        unix_s=lambda: 0,
    )

    def rated(request: Request, asked: Asked, offers: tuple[Offer, ...]) -> Rating:
        waiting = site.rated(request, asked, offers)
        try:
            waiting.send(None)
        except StopIteration as told:
            site.dismiss(request)
            return told.value
        raise AssertionError("without an embedder it waits for nothing")

    grown = sum(bool(len(trees.feature)) for trees in learned.heads.trees)
    told = (
        f"{len(learned.heads.models)} learned heads, {grown} of them with {len(learned.heads.trees[0].feature)} trees"
    )
    return told, rated


class _Nobody:
    """Keeps no lesson."""

    def put(self, lesson: Lesson) -> None:
        """Nothing."""


def heads(models: tuple[str, ...]) -> Heads:
    """A head for each model, each with its own trees of the size that a refit grows."""
    chance = np.random.default_rng(5)
    columns, count = len(NAMES) + SAID, len(models)
    rows = chance.normal(size=(400, columns))
    trees = []
    for number in range(min(count, 8)):  # eight kinds of trees, in turns: growing 200 takes a minute
        right = (rows[:, number] + chance.normal(size=400) > 0).astype(float)
        trees.append(boosted(rows, right, np.ones(400), TREES, seed=number))
    return Heads(
        models=models,
        segments=("bench",),
        mean=np.zeros(columns),
        scale=np.ones(columns),
        linear=chance.normal(size=(count, columns + 1)) / 50,
        trees=tuple(trees[at % len(trees)] if at < TREES_MODELS_MAX else no_trees(0.0) for at in range(count)),
        labels=np.full(count, 500.0),
        trust=np.full(count, 0.5),
        trust_unseen=np.zeros(count),
        shift=chance.normal(size=count) / 5,
        slope=np.ones(count),
        by_segment=chance.normal(size=(count, 1)) / 5,
    )
