"""What must be true of several sections at once. Each check raises a ValueError that says what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from ringfence.recognize.plugins import Kind
from ringfence.recognize.settings_types import near
from ringfenced.config.evaluators import with_built_in

if TYPE_CHECKING:  # the whole file runs these checks
    from ringfenced.config.file import Config


def callers_belong(config: Config) -> None:
    """A caller's department has a wallet, and the system that it speaks for is there."""
    wallets = {department.name for department in config.departments}
    for caller in config.callers:
        if caller.department not in wallets:
            raise ValueError(f"{caller.identity} belongs to {caller.department}, which no [[departments]] names")
    sources = {source.name for source in config.sources}
    for caller in config.callers:
        if caller.source is not None and caller.source not in sources:
            raise ValueError(f"{caller.identity} speaks for {caller.source}, which no [[sources]] names")


def names_are_unique(config: Config) -> None:
    """Nothing has the name of another of its kind; models, adapters and providers' models are one kind."""
    models = [model.name for model in config.models]
    models += [adapter.name for model in config.models for adapter in model.adapters]
    models += [model.name for provider in config.providers for model in provider.models]
    for kind, seen in (
        ("model", models),
        ("department", [department.name for department in config.departments]),
        ("caller", [caller.identity for caller in config.callers]),
        ("provider", [provider.name for provider in config.providers]),
        ("source", [source.name for source in config.sources]),
        ("evaluator", [evaluator.name for evaluator in config.evaluators]),
    ):
        if twice := {name for name in seen if seen.count(name) > 1}:
            raise ValueError(f"every {kind} needs a name of its own; twice: {', '.join(sorted(twice))}")


def workers_can_share(config: Config) -> None:
    """Several workers listen on one port."""
    if config.workers > 1 and config.listen.tcp.endswith(":0"):
        raise ValueError("several workers share one port: give listen.tcp a number")
    if config.workers > 1 and not config.listen.tcp:
        raise ValueError("several workers need listen.tcp: a unix socket has one listener")


def providers_have_a_way_out(config: Config) -> None:
    """Nothing leaves but through the agent."""
    if config.providers and config.agent is None:
        raise ValueError("[[providers]] need an [agent]: nothing leaves but through it")


def policy_names_somebody(config: Config) -> None:
    """A name that is nobody's would make a rule that never applies."""
    callers = {caller.identity for caller in config.callers}
    departments = {department.name for department in config.departments}
    sources = {source.name for source in config.sources}
    providers = {provider.name for provider in config.providers}
    targets = _targets(config)
    for rule in config.policy.rules:
        what = f"the policy's rule {rule.name}"
        _known(what, rule.callers, callers)
        _known(what, rule.departments, departments)
        _known(what, rule.sources, sources)
        _known(what, rule.only_providers, providers)
        _known(what, rule.only_models, targets)
    for one in config.policy.ceilings:
        _known("a policy's ceiling", frozenset({one.caller} if one.caller else ()), callers)
        _known("a policy's ceiling", frozenset({one.department} if one.department else ()), departments)


def _targets(config: Config) -> set[str]:
    """Every target, as decisions print it."""
    targets = {f"local:{model.name}" for model in config.models}
    targets |= {f"local:{adapter.name}" for model in config.models for adapter in model.adapters}
    return targets | {f"{provider.name}/{model.name}" for provider in config.providers for model in provider.models}


def _known(what: str, names: frozenset[str], known: set[str]) -> None:
    """All `names` that `what` has are `known`."""
    for name in sorted(names - known):
        advice = f"write {near(name, sorted(known))}" if known else "there is none at all"
        raise ValueError(f"{what} names {name}, which this file does not; {advice}")


def library_is_there(config: Config) -> None:
    """What comes from the library needs one."""
    if config.library is None and (lying := [model.name for model in config.models if model.library]):
        raise ValueError(f"{lying[0]} comes from the library, and there is no [library]: set its folder")


def texts_are_read_here(config: Config) -> None:
    """Texts are read by models of this node alone: a provider's would see them as they are."""
    local = [model.name for model in config.models]
    for plugin in config.classification.plugins:
        if plugin.kind is Kind.LLM and plugin.model not in local:
            raise ValueError(
                f"plug-in {plugin.name} asks {plugin.model}, which is no model of this node; "
                f"write {near(plugin.model, local) if local else 'one under [[models]]'}"
            )


def answers_are_judged_here(config: Config) -> None:
    """Who is named judges, and a model that judges is one of this node: a provider's would see what it may not."""
    known = with_built_in(config.evaluators)
    named = [(model.name, model.evaluators) for model in config.models]
    named += [(model.name, model.evaluators) for provider in config.providers for model in provider.models]
    for target, names in named:
        if unknown := next((name for name in names if name not in known), None):
            raise ValueError(f"{target} names no evaluator of this site; write {near(unknown, known)}")
    local = [model.name for model in config.models if not model.embeddings]
    for evaluator in config.evaluators:
        if evaluator.kind == "judge" and evaluator.model not in local:
            write = near(evaluator.model, local) if local else "one under [[models]]"
            raise ValueError(f"evaluator {evaluator.name} asks no model of this node; write {write}")


def prompts_are_embedded_here(config: Config) -> None:
    """Prompts are embedded by a model of this node alone."""
    name = config.routing.embedder
    able = [model.name for model in config.models if model.embeddings]
    if name is not None and name not in able:
        write = near(name, able) if able else "one under [[models]] with embeddings = true"
        raise ValueError(f"routing.embedder names no model of this node that embeds; write {write}")


CHECKS: Final[Sequence[Callable[[Config], None]]] = (
    callers_belong,
    names_are_unique,
    workers_can_share,
    providers_have_a_way_out,
    policy_names_somebody,
    library_is_there,
    texts_are_read_here,
    answers_are_judged_here,
    prompts_are_embedded_here,
)
"""All of them, in the order in which they are made; the first that fails is told."""
