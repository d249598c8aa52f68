"""The actions, one file per resource."""
