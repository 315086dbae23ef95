"""A site's recogniser: what ships, and what the site brings itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ringfence.recognize.custom import Custom, CustomSettings, load_custom
from ringfence.recognize.plugins import Ask, Plugin, load_plugins
from ringfence.recognize.policy import Policy
from ringfence.recognize.recogniser import Recogniser, load
from ringfence.recognize.stages import Reading, Stages, shipped


def load_site(
    cache_dir: Path | None,
    policy: Policy,
    settings: CustomSettings,
    plugins: Sequence[Plugin] = (),
    ask: Ask | None = None,
) -> Recogniser:
    """The recogniser of a site; daemon, agent and ``ringfence policy test`` load the same.

    Args:
        cache_dir: where compiled databases are kept; None compiles them each time.
        policy: what counts, and as what.
        settings: the site's patterns, lists and allow lists.
        plugins: recognisers of others.
        ask: how a model of this node is asked; None where there is none.

    Raises:
        CustomError: a file of the site's is wrong; names file and line.
        PluginUnavailable: a plug-in cannot be loaded.
    """
    custom = load_custom(settings, cache_dir)
    return load(cache_dir, policy, joined(shipped(), custom, load_plugins(plugins, ask), plugins))


def joined(stages: Stages, custom: Custom, readings: Sequence[Reading], plugins: Sequence[Plugin]) -> Stages:
    """`stages` and what the site brings; the version names both."""
    parts = [stages.version, *([custom.digest[:12]] if custom.digest else []), *(plugin.name for plugin in plugins)]
    return replace(
        stages,
        folded=(*stages.folded, *custom.stages),
        readings=(*stages.readings, *readings),
        allow=custom.allow,
        version="-".join(parts),
    )
