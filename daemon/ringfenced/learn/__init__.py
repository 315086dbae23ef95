"""What is learned from outcomes: how good each model will be at a request, and when that may be believed.

All of it is pure: values in, values out; randomness comes in as a seeded generator, files as bytes. `fit` imports
scikit-learn and is meant for a process of its own; everything that runs while a request waits is numpy alone.
"""
