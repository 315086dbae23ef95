"""What is expected of each feature before any data: its weight in logits, for one standard deviation of it.

Set by judgement, not fitted to a file, from what is known of how models fail at worked answers: long chains of steps,
large and fractional numbers, calculations that do not hold, numbers from nowhere or left unused, an end that does not
follow from the last step, hedging, repetition, answers that are cut off or do not have the form that was asked for.
On files that it has not seen it ranks answers better than weights learned from the other files do (VERIFIER.md), so
that learning starts here.
"""

from __future__ import annotations

EXPECTED: dict[str, float] = {
    # a longer question is a harder one, and a longer answer to the same question has had more occasions to go wrong
    "question_chars": -0.10,
    "question_words": -0.08,
    "question_sentences": -0.05,
    "asks_fraction": -0.10,
    "asks_rate": -0.03,
    "asks_compare": -0.03,
    "asks_if": -0.06,
    "asks_time": -0.03,
    "chars": -0.10,
    "words": -0.08,
    "lines": -0.03,
    "sentences": -0.06,
    "answer_over_question": -0.05,
    # wording
    "hedges": -0.12,
    "refusals": -0.12,
    "corrections": -0.10,
    "rounds": -0.08,
    "lacks": -0.08,
    "repeated_lines": -0.08,
    "repeated_run": -0.08,
    "ends_open": -0.12,
    "empty": -0.20,
    "other_script": -0.05,
    # numbers and calculations
    "question_numbers": -0.10,
    "question_spoken_numbers": -0.03,
    "question_magnitude": -0.03,
    "question_percent": -0.06,
    "numbers": -0.08,
    "numbers_distinct": -0.08,
    "equals": -0.06,
    "calculations": -0.10,
    "operands": -0.05,
    "wrong": -0.20,
    "share_right": 0.15,
    "any_wrong": -0.20,
    "rounded": -0.10,
    "operands_invented": -0.10,
    "share_invented": -0.10,
    "question_numbers_unused": -0.08,
    "share_unused": -0.08,
    "numbers_unexplained": -0.10,
    "steps_over_numbers": -0.05,
    "long_calculations": -0.04,
    "results_fractional": -0.12,
    "results_large": -0.06,
    "magnitude_max": -0.06,
    "quotients": -0.06,
    "percents": -0.05,
    "letters": -0.08,
    "results_unused": -0.08,
    "minus_missing": -0.06,
    "times_missing": -0.06,
    "divide_missing": -0.06,
    "percent_missing": -0.06,
    # what it comes to
    "final_none": -0.20,
    "final_last": -0.06,
    "final_is_last_result": 0.15,
    "final_is_a_result": 0.10,
    "final_is_given": -0.06,
    "final_magnitude": -0.05,
    "final_negative": -0.15,
    "final_fractional": -0.15,
    "final_fraction_of_count": -0.20,
    "final_rivals": -0.08,
    "final_repeated": 0.04,
    "asked_noun_back": 0.05,
    "runs_on": -0.10,
    "final_decimals": -0.10,
    "final_chars_after": -0.05,
    "final_over_question": -0.03,
    # the form that was asked for
    "chosen": 0.10,
    "code_parses": 0.10,
    "code_broken": -0.15,
    "code_other": -0.10,
    "code_todo": -0.08,
    "unbalanced": -0.08,
    "fence_open": -0.12,
    "json_broken": -0.20,
    "json_parses": 0.10,
}
CHEAP_SCALE = 0.6
"""How much of it the cheap model's prior starts with: whole, worked answers would differ by 1.7 in their logits."""
STRONG_SCALE = 0.2
"""The same for the strong model: what is hard for the one is harder for the other too, but it errs far less."""
