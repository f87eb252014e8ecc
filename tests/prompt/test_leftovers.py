"""What of each prompt is looked for in translations."""

import copy

import pytest

from dubash.prompt.leftovers import leftovers


@pytest.mark.parametrize(
    ("family", "role"), [("llama", "assistant"), ("qwen2", "assistant"), ("gemma3", "model")]
)
def test_what_a_chat_template_writes_is_left_over_prompt(make, family, role):
    found = leftovers(make(family, style="chat"))
    assert {"user", role, "Translate from English to Hindi:"} <= set(found)
    assert not [piece for piece in found if "source}" in piece]


def test_the_lines_of_the_system_message_are_left_over_prompt(make):
    system = "You are a careful translator.\nSay it in {target_language}.\nGo."
    found = leftovers(make("llama", style="chat", system=system))
    assert {"You are a careful translator.", "Say it in Hindi.", "system"} <= set(found)
    assert "Go." not in found  # too short to tell


def test_roles_without_control_tokens_come_without_their_colon(make, tokenizer):
    plain = copy.deepcopy(tokenizer("llama"))
    plain.chat_template = (
        "{% for m in messages %}{{ m.role.upper() }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}ASSISTANT: {% endif %}"
    )
    found = leftovers(make(plain, style="chat"))
    assert "ASSISTANT" in found
    assert "ASSISTANT:" not in found


def test_a_plain_prompt_leaves_over_its_own_lines_alone(make):
    found = leftovers(make("llama", style="plain", text="English: {source}\nHindi:"))
    assert found[:2] == ["English:", "Hindi:"]
    assert not {"assistant", "user"} & set(found)
