"""What an instruction model knows and how it answers: questions, stated rules, before and after."""
