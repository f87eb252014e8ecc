"""What of the prompt's options goes with which kind of model."""

import pytest

from dubash.core.errors import RecipeError


def test_the_full_mask_is_refused_for_an_encoder_decoder_whatever_the_recipe_knew_of_it(make):
    with pytest.raises(RecipeError, match=r"prompt\.mask: mask full does not go with an encoder-"):
        make("mt5", mask="full")
    assert make("llama", mask="full").options.mask == "full"
