"""AI nodes for Revolution Hub: lead qualification and e-mail generation over the OpenAI API."""
