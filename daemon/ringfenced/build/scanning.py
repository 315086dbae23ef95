"""What is found in payloads: what ships, the policy's table, and the site's own recognisers."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager

from ringfence.configfile import ConfigError
from ringfence.recognize import Recogniser
from ringfence.recognize.custom import CustomError, check_custom
from ringfence.recognize.plugins import Ask, PluginUnavailable
from ringfence.recognize.site import load_site
from ringfenced import policyfile
from ringfenced.build import clock
from ringfenced.config import Config
from ringfenced.site.cleantexts import KEY_BYTES, CleanTexts
from ringfenced.site.scanning import Scanner


def recogniser_of(config: Config, ask: Ask | None) -> Recogniser:
    """What the node finds.

    Args:
        config: the file.
        ask: how a model of this node is asked.

    Raises:
        ConfigError: one of the site's own files is wrong, or a plug-in cannot be loaded.
    """
    site = config.classification
    try:
        return load_site(config.state / "cache", site.policy(), site.custom(), site.others(), ask)
    except (CustomError, PluginUnavailable) as error:
        raise ConfigError(str(error)) from error


@contextmanager
def scanning(config: Config, recogniser: Recogniser) -> Iterator[Scanner]:
    """Its threads, and the texts that are known to hold nothing; both end with the context."""
    waits = bool(config.classification.plugins)
    clean = None if waits else CleanTexts(secrets.token_bytes(KEY_BYTES))  # plug-ins may change their mind
    with closing(Scanner(recogniser.scan, waits=waits, clean=clean)) as scanner:
        yield scanner


def check_files(config: Config) -> tuple[str, tuple[str, ...]]:
    """Read and check the site's own patterns, lists and policy; start and write nothing that only serving needs.

    Plug-ins are not loaded: that their folders are there was seen when the file was read.

    Returns:
        SHA-256 of the policy that would be in force, hex; and what of it is probably not meant, with file and line.

    Raises:
        ConfigError: with file, line and what to write instead, for each problem.
    """
    try:
        check_custom(config.classification.custom())
    except CustomError as error:
        raise ConfigError(str(error)) from error
    book = policyfile.load(config, clock.unix_ms())
    return book.digest, tuple(f"{place}: {what}" for place, what in policyfile.doubts_of(config, book))
