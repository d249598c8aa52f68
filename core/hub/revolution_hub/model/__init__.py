"""What things are: frozen values that refuse bad data. No input or output happens here."""
