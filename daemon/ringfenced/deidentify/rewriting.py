"""One round of de-identification: all surrogates, and the leaves rewritten with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ringfence.recognize.fold import Folder
from ringfence.recognize.merge import merge
from ringfence.recognize.span import Span
from ringfenced.classify.leaves import Leaf
from ringfenced.deidentify.gather import Gathered, Key, Origins, key_of
from ringfenced.deidentify.literals import joins
from ringfenced.deidentify.occurrences import Occurrences
from ringfenced.deidentify.surrogates import Surrogates


class Rewriting:
    """Rewrites leaves. One object a round."""

    def __init__(
        self,
        gathered: Gathered,
        folder: Folder,
        seed: bytes,
        avoid: Collection[str],
        plain: Collection[tuple[str, str]],
    ) -> None:
        """Draw the surrogates of `gathered` with `seed`; see `Surrogates` for `avoid` and `plain`."""
        self._gathered = gathered
        self.occurrences = Occurrences(folder, gathered.values)
        """Finds what was replaced wherever it still stands."""
        texts = [leaf.text for leaf in gathered.leaves.values()]
        self.surrogates = Surrogates(seed, texts, sorted(gathered.values), avoid=avoid, plain=plain)
        """What stands for what."""
        self.origins: dict[Key, Origins] = {}
        """Of each leaf that was rewritten by itself."""

    def _spans(self, leaf: Leaf) -> list[Span]:
        found = merge([*self._gathered.spans.get(key_of(leaf), ()), *self.occurrences.find(leaf.text)])
        return merge(_whole_words(leaf.text, found))

    def leaf(self, leaf: Leaf) -> str:
        """`leaf` with surrogates in it."""
        written: list[str] = []
        origins = Origins()
        old = new = 0
        for span in self._spans(leaf):
            surrogate = self.surrogates.of(span.entity_type, leaf.text[span.start : span.end])
            written += [leaf.text[old : span.start], surrogate]
            new += span.start - old + len(surrogate)
            old = span.end
            origins.replaced(new, old)
        written.append(leaf.text[old:])
        self.origins[key_of(leaf)] = origins
        return "".join(written)

    def parts(self, path: str, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The parts of a message, replaced together: a surrogate stands in the part in which its original begins."""
        joined = "".join(texts)
        written: list[str] = []
        base = at = 0
        remaining = list(reversed(self._spans(Leaf(f"{path}.text", joined))))
        for text in texts:
            end = base + len(text)
            at = max(at, base)
            pieces: list[str] = []
            while remaining and remaining[-1].start < end:
                span = remaining.pop()
                pieces += [
                    joined[at : span.start],
                    self.surrogates.of(span.entity_type, joined[span.start : span.end]),
                ]
                at = span.end
            pieces.append(joined[at:end])
            written.append("".join(pieces))
            base = end
        return tuple(written)


def _whole_words(text: str, spans: list[Span]) -> Iterator[Span]:
    """Sorted `spans` up to the ends of the words that they cut: a surrogate inside a word would not be known again.

    Each character is looked at once, whatever the length of a word.
    """
    seen = 0
    for span in spans:
        start, end = span.start, max(span.end, seen)
        while start > seen and joins(text[start - 1], text[start]):
            start -= 1
        while end < len(text) and joins(text[end - 1], text[end]):
            end += 1
        seen = end
        yield span if (start, end) == (span.start, span.end) else span._replace(start=start, end=end)
