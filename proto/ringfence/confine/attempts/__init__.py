"""The ways out of a confined process, each tried for real.

``python -m ringfence.confine.attempts --json`` tries them all from where it runs; `outcome` says what an attempt is,
`table` lists them, `run` tries them. Nothing here confines anything.
"""
