"""What was said before stands before the question, for chat models."""

from dubash.prompt.conversation import Conversation


def test_a_chat_model_sees_its_turns_and_forgets_them(make, en_hi):
    plain = make("qwen2", style="chat")
    talk = Conversation(plain.options, plain.tokenizer, "causal", en_hi, "instruction")
    fresh = talk.prompt_text("Who?")
    talk.remember("Where is it?", "There. <|im_end|>")
    text = talk.prompt_text("Who?")
    assert text.index("Where is it?") < text.index("There.") < text.index("Who?")
    assert text.count("<|im_end|>") == fresh.count("<|im_end|>") + 2  # no answer plays at control
    talk.remember("And then?", "Here.")
    talk.forget(oldest=True)
    assert talk.turns == 1
    assert "Where is it?" not in talk.prompt_text("Who?")
    talk.forget()
    assert talk.prompt_text("Who?") == fresh


def test_a_plain_model_is_asked_anew(make, en_hi):
    plain = make("llama", style="plain")
    talk = Conversation(plain.options, plain.tokenizer, "causal", en_hi, "translation")
    talk.remember("Where is it?", "There.")
    assert talk.turns == 0
    assert talk.prompt_text("Who?") == plain.prompt_text("Who?")
