"""The part of ``[classification]`` that names a site's own files: patterns, dictionaries, allow lists.

Here the paths and choices are read; `ringfence.recognize.custom` reads the files and says which line of them is wrong.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from ringfence.configfile import Section
from ringfence.recognize.custom.settings import Case, CustomSettings, Dictionary
from ringfence.recognize.pictures import NOTHING_APPROVED, Approved, read_approved
from ringfence.recognize.plugins.settings import Kind, Plugin
from ringfence.recognize.settings_types import EntityType


def _beside(path: Path, info: ValidationInfo) -> Path:
    """A path, seen from the file's folder."""
    folder = info.context if isinstance(info.context, Path) else Path.cwd()
    return folder / path


def _readable(path: Path) -> Path:
    """Refuse what cannot be read before anything is served."""
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


def _there(path: Path) -> Path:
    """Refuse a folder that is not there."""
    if not path.is_dir():
        raise ValueError("there is no such folder; nothing is ever downloaded")
    return path


def _listed(path: Path) -> Path:
    """Refuse a list of pictures that is none."""
    read_approved(path)
    return path


OwnFolder = Annotated[Path, AfterValidator(_beside), AfterValidator(_there)]
OwnFile = Annotated[Path, AfterValidator(_beside), AfterValidator(_readable)]


class DictionarySetting(Section):
    """One list of terms to find: staff, departments, facilities, account numbers."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64)
    """Names it in findings, as dictionary:NAME; unique."""
    path: OwnFile
    """Text, one term a line, or CSV with a header, by its ending; with hashed, what `ringfence policy hash` wrote."""
    entity: EntityType = "CUSTOM"
    """What a term is, for example ``PERSON``."""
    case: Case = Case.IGNORE
    """How capitals are read: ignore, capital (the text must begin with one: for names that are words) or exact."""
    whole_word: bool = True
    """A term must stand between marks or blanks."""
    person_variants: bool = False
    """Terms are persons' names, given name first: other orders and initials are found too."""
    column: str = ""
    """The column of a CSV file that holds the terms."""
    hashed: bool = False
    """The file holds keyed hashes instead of terms; needs key_file."""

    @model_validator(mode="after")
    def _fits(self) -> DictionarySetting:
        if self.hashed and (self.case is Case.EXACT or not self.whole_word):
            raise ValueError("hashed dictionaries know whole words alone, and no exact case; remove these")
        if self.path.suffix.lower() == ".csv" and not self.column and not self.hashed:
            raise ValueError("a CSV file needs column, the head of the column that holds the terms")
        return self

    def dictionary(self) -> Dictionary:
        """As a value."""
        return Dictionary(
            name=self.name,
            path=self.path,
            entity_type=self.entity,
            case=self.case,
            whole_word=self.whole_word,
            person_variants=self.person_variants,
            column=self.column,
            hashed=self.hashed,
        )


class PluginSetting(Section):
    """One recogniser of others: it can only add findings, and what it does not read in time counts as RESTRICTED."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64)
    """Names it in findings, as plugin:NAME; unique."""
    kind: Kind
    """spacy, gliner, onnx, or llm for a model of this node."""
    path: OwnFolder | None = None
    """Its folder; unset for an llm."""
    model: str = ""
    """With llm: the name of the model that is asked, one of this node's [[models]]; the daemon's file alone."""
    labels: dict[str, EntityType] = Field(default_factory=dict)
    """Its labels to entity types, for example ``{ per = "PERSON" }``; unset for the usual ones. Others are passed
    over."""
    score_min: float = Field(default=0.5, ge=0, le=1)
    """What it is less sure of is passed over."""
    seconds_max: float = Field(default=2.0, gt=0, le=60)
    """How long one text may take."""
    chars_max: int = Field(default=8_000, ge=100, le=1_000_000)
    """Longest piece that it gets at once."""

    @model_validator(mode="after")
    def _found(self) -> PluginSetting:
        if (self.path is None) != (self.kind is Kind.LLM):
            raise ValueError("every kind but llm needs path, the folder of its model, and llm has none")
        if bool(self.model) != (self.kind is Kind.LLM):
            raise ValueError("an llm needs model, the name of a model of this node, and no other kind has one")
        return self

    def plugin(self) -> Plugin:
        """As a value."""
        return Plugin(
            name=self.name,
            kind=self.kind,
            path=self.path,
            model=self.model,
            labels=self.labels,
            score_min=self.score_min,
            seconds_max=self.seconds_max,
            chars_max=self.chars_max,
        )


Named = tuple[DictionarySetting, ...] | tuple[PluginSetting, ...]


class OwnFiles(Section):
    """A site's own files."""

    pattern_files: tuple[OwnFile, ...] = ()
    """TOML files of ``[[pattern]]`` tables."""
    allow_files: tuple[OwnFile, ...] = ()
    """TOML files of ``[[allow]]`` tables: what is no finding."""
    dictionaries: tuple[DictionarySetting, ...] = ()
    """Lists of terms."""
    key_file: OwnFile | None = None
    """The site's key of hashed dictionaries: 32 bytes or more, mode 0600 or stricter."""
    plugins: tuple[PluginSetting, ...] = ()
    """Recognisers of others."""
    approved_pictures: Annotated[OwnFile, AfterValidator(_listed)] | None = None
    """Pictures that are public, as ``sha256sum`` lists them. Nothing here reads a picture, so every other one counts as
    RESTRICTED and never leaves; give both processes the same list."""

    @field_validator("dictionaries", "plugins")
    @classmethod
    def _apart(cls, named: Named) -> Named:
        names = [one.name for one in named]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"each needs a name of its own; twice: {', '.join(twice)}")
        return named

    @model_validator(mode="after")
    def _keyed(self) -> OwnFiles:
        if self.key_file is None and any(one.hashed for one in self.dictionaries):
            raise ValueError("a hashed dictionary needs key_file, the file of the site's key")
        return self

    def custom(self) -> CustomSettings:
        """As a value."""
        return CustomSettings(
            pattern_files=self.pattern_files,
            dictionaries=tuple(one.dictionary() for one in self.dictionaries),
            allow_files=self.allow_files,
            key_file=self.key_file,
        )

    def others(self) -> tuple[Plugin, ...]:
        """Its plug-ins as values."""
        return tuple(one.plugin() for one in self.plugins)

    def pictures(self) -> Approved:
        """The approved pictures.

        Raises:
            OSError: the file is gone.
            ValueError: it was changed since, and is no list any more.
        """
        return NOTHING_APPROVED if self.approved_pictures is None else read_approved(self.approved_pictures)

    def document(self) -> dict[str, object]:
        """What of it is policy, in plain values: names, choices and digests of the files, never a term or the key.

        A plug-in's folder has no digest here: it can be gigabytes, and only adds to what is found.

        Raises:
            OSError: a file is gone.
        """
        pictures = {} if self.approved_pictures is None else {"pictures": _sha256(self.approved_pictures)}
        return {
            **pictures,
            "patterns": [_sha256(path) for path in self.pattern_files],
            "allow": [_sha256(path) for path in self.allow_files],
            "dictionaries": [
                one.model_dump(mode="json", exclude={"path"}) | {"sha256": _sha256(one.path)}
                for one in self.dictionaries
            ],
            "plugins": [one.model_dump(mode="json", exclude={"path"}) for one in self.plugins],
        }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
