"""The supervisor's children: what each does, from its first line to its last."""
