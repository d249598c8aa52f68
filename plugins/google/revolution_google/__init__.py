"""The Google connector: mails through Gmail, meetings through Google Calendar."""
