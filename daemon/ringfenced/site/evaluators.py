"""Makes evaluators out of the configuration's sections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import get_args

from ringfence.renewal import Certificates
from ringfenced.config import Config, Tls
from ringfenced.config.evaluators import Evaluator, Kind, with_built_in
from ringfenced.evaluate import Evaluate, calls, citations, confidence, form, pattern, schema, sums
from ringfenced.evaluate.verified import Verify, nothing_learned, verified
from ringfenced.inputs import Judging
from ringfenced.site.evaluating import Asking, Judge, Outcome, SiteEvaluating
from ringfenced.site.evaluator_client import EvaluatorClient, open_channel
from ringfenced.site.judging import FRAME_CHARS, VERDICT_TOKENS_MAX, JudgeModel, Places, SelfConsistency

_RANKS = {kind: rank for rank, kind in enumerate(get_args(Kind))}
_PAID: frozenset[Kind] = frozenset({"judge", "consistency"})


@asynccontextmanager
async def evaluating(
    config: Config,
    places: Places,
    *,
    certificates: Callable[[Tls, str], Certificates],
    entropy: Callable[[int], bytes],
    clock: Callable[[], float],
    count: Callable[[str, Outcome], None],
    verify: Verify | None = None,
) -> AsyncIterator[SiteEvaluating]:
    """Everybody who judges answers on this site; connections to their processes end with the context.

    Args:
        config: the file.
        places: the models of this node.
        certificates: reads files of the file's setting of that name.
        entropy: random bytes.
        clock: monotonic seconds.
        count: told of each time that an evaluator was asked.
        verify: what was learned of answers; None where nothing was.
    """
    async with AsyncExitStack() as stack:
        judges: dict[str, Judge] = {}
        for name, setting in with_built_in(config.evaluators).items():
            how: Evaluate | Asking
            if setting.kind == "grpc":
                ours = certificates(setting.tls, f"evaluators.{name}.tls") if setting.tls is not None else None
                channel = open_channel(setting.target, ours, setting.server_name)
                how = EvaluatorClient(await stack.enter_async_context(channel))
            elif setting.kind in _PAID:
                how = _asking(setting, config, places, entropy)
            else:
                how = reading(setting, verify)
            judges[name] = _judge(setting, how)
        site = SiteEvaluating(judges, clock=clock, count=count)
        stack.callback(site.close)
        yield site


def reading(setting: Evaluator, verify: Verify | None) -> Evaluate:
    """An evaluator that asks nobody."""
    makers: Mapping[Kind, Callable[[], Evaluate]] = {
        "schema": lambda: schema.evaluate,
        "tools": lambda: calls.evaluate,
        "arithmetic": lambda: sums.evaluate,
        "citations": lambda: citations.evaluate,
        "logprobs": lambda: confidence.confidence(setting.least, setting.mean, setting.tail),
        "pattern": lambda: pattern.pattern(setting.must, setting.must_not),
        "format": lambda: form.form(_form(setting)),
        "verifier": lambda: nothing_learned if verify is None else verified(verify),
    }
    return makers[setting.kind]()


def _form(setting: Evaluator) -> form.Form:
    return form.Form(
        chars_min=setting.chars_min,
        chars_max=setting.chars_max,
        language=setting.language,
        refuses=setting.refuses,
        repetition_max=setting.repetition_max,
    )


def _asking(setting: Evaluator, config: Config, places: Places, entropy: Callable[[int], bytes]) -> Asking:
    if setting.kind == "consistency":
        return SelfConsistency(places, samples=setting.samples, temperature=setting.temperature)
    model = next(model for model in config.models if model.name == setting.model)
    return JudgeModel(places, model.name, setting.rubric, keeps_to_schema=model.json_schema, entropy=entropy)


def _judge(setting: Evaluator, how: Evaluate | Asking) -> Judge:
    return Judge(
        name=setting.name,
        how=how,
        least_score=setting.least_score,
        timeout_s=setting.timeout_ms / 1000,
        rank=_RANKS[setting.kind],
        is_paid=setting.kind in _PAID,
        label_max=setting.label_max.label() if setting.kind == "grpc" else None,
        needs_logprobs=setting.kind == "logprobs" and (setting.mean is not None or setting.tail is not None),
        asks=_asks(setting) if setting.kind in _PAID else None,
    )


def _asks(setting: Evaluator) -> Judging:
    """What an evaluator that is paid asks of models."""
    if setting.kind == "consistency":
        return Judging(setting.name, "", setting.samples, 0, 0, setting.timeout_ms)
    chars = FRAME_CHARS + len(setting.rubric)
    return Judging(setting.name, setting.model, 1, chars, VERDICT_TOKENS_MAX, setting.timeout_ms)
