"""The supervisor's children: one module each, so that none imports what only another needs."""
