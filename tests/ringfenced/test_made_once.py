from ringfenced.made_once import MadeOnce


def test_what_is_made_of_the_same_objects_is_made_once_and_only_the_last_few_are_kept():
    made = []
    remembered = MadeOnce(lambda part: made.append(part) or len(made), 3)
    parts = [[number] for number in range(4)]
    assert remembered.of(parts[0]) == remembered.of(parts[0]) == 1
    for part in parts:
        remembered.of(part)
    assert remembered.of(parts[0]) == 5
