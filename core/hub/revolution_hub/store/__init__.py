"""The truth: the only room with SQLAlchemy. One file per noun; rows never leave, values do."""
