"""A multilingual decoder begins with the target language's token, as transformers forces it."""

import pytest

from dubash.engine.options import GenerateOptions
from dubash.engine.transformers import TransformersEngine
from engine.generating import NEW, own_ids, read


@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize(("family", "token"), [("m2m100", "__es__"), ("nllb", "spa_Latn")])
def test_the_prefix_is_transformers_forced_first_token(load, sentences, family, token, beams):
    loaded = load(family)
    language = loaded.tokenizer.convert_tokens_to_ids(token)
    rows = [loaded.tokenizer(text).input_ids for text in sentences[::260]]
    engine = TransformersEngine(
        loaded.model, loaded.tokenizer, loaded.kind, [loaded.tokenizer.eos_token_id],
        GenerateOptions(max_new_tokens=NEW - 1, beams=beams), [language],
    )  # fmt: skip
    forced = [own_ids(loaded, row, forced_bos_token_id=language, num_beams=beams) for row in rows]
    assert all(ids[0] == language for ids in forced)
    found = engine.generate(rows)
    assert [each.text for each in found] == [read(loaded, ids[1:]) for ids in forced]
    assert [each.tokens for each in found] == [len(ids) - 1 for ids in forced]
    free = [read(loaded, own_ids(loaded, row, num_beams=beams)) for row in rows]
    assert free != [each.text for each in found]
