"""The actions, one file each. `connector.py` lists them."""
