"""`ringfence models pull`: fetches models, on an operator's own machine. The daemon imports nothing of it.

hub, registry, pages, localfiles   what a source holds: a `listing.Listing`
choose                             which of its files make a model; pure
fetch                              one file into quarantine: resumed, bounded, verified
web                                the HTTP client, the only one here
"""
