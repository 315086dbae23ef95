"""Whether a given name is a woman's or a man's, so that its surrogate is one too.

A short list of the commonest given names of four languages decides, then the ending; a wrong guess costs nothing but a
pronoun. Names that both bear are in neither list.
"""

from __future__ import annotations

_FEMALE = """
mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret sandra ashley dorothy
kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca laura helen sharon cynthia kathleen amy
shirley angela anna ruth brenda pamela nicole katherine virginia catherine christine samantha debra janet rachel carolyn
emma maria heather diane julie joyce victoria kelly christina joan evelyn lauren judith olivia martha cheryl megan
andrea ann alice jean doris jacqueline hannah kathryn gloria teresa sara janice marie julia grace judy theresa beverly
denise marilyn amber danielle rose brittany diana abigail natalie jane lori alexis tiffany kayla carmen pilar dolores
isabel mercedes rosario lucia ines raquel beatriz soledad consuelo montserrat camille chloe manon juliette brigitte
sylvie nathalie isabelle valerie sophie elise ursula heike monika sabine birgit ingrid gisela elke renate katrin anke
silke gudrun ilse astrid charlotte louise irene agnes esther edith miriam judit ruth siobhan niamh
"""
_MALE = """
james robert john michael david william richard joseph thomas charles christopher daniel matthew anthony mark donald
steven paul andrew joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan jacob gary nicholas eric
jonathan stephen larry justin scott brandon benjamin samuel gregory alexander patrick frank raymond jack dennis jerry
tyler aaron jose adam nathan henry douglas zachary peter kyle noah ethan jeremy walter christian keith roger terry
austin sean gerald carl harold dylan arthur lawrence jordan jesse bryan billy bruce gabriel joe logan alan juan albert
willie elijah wayne randy vincent mason roy ralph bobby russell bradley philip eugene antonio francisco manuel javier
carlos miguel alejandro rafael pedro pablo luis angel fernando jorge alberto diego joaquin andres ramon pierre jacques
francois nicolas laurent philippe olivier thierry guillaume julien etienne hugo luc yves hans peter klaus wolfgang
juergen jurgen dieter uwe stefan andreas karl heinz gunther helmut horst bernd matthias sebastian joshua luca elias
ezra nikita sasha attila
"""
FEMALE = frozenset(_FEMALE.split())
"""Given names of women, folded."""
MALE = frozenset(_MALE.split())
"""Given names of men, folded."""
_FEMALE_ENDINGS = ("a", "ah", "elle", "ette", "ine", "lyn", "lynn", "beth", "ie", "gard", "trud")


def is_female(given: str) -> bool:
    """Whether the folded given name `given` is a woman's, as far as list and ending tell."""
    if given in FEMALE or given in MALE:
        return given in FEMALE
    return given.endswith(_FEMALE_ENDINGS)


def is_given(word: str) -> bool:
    """Whether the folded `word` is a given name of the lists."""
    return word in FEMALE or word in MALE
