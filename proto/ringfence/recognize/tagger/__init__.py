"""The tagger: names, places, organisations and free-form dates, by a small network that ships with the project.

Trained by ``models/tagger``; see its README for the data, their licences and the figures.
"""

from ringfence.recognize.tagger.tagger import WEIGHTS, Tagger, load_tagger

__all__ = ["WEIGHTS", "Tagger", "load_tagger"]
