"""Who may: roles and permissions, API keys, rates. Decisions here are pure."""
