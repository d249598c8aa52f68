"""Which members of a tenant may agree to anything at all, by what their roles allow at this moment."""

from revolution_hub.access.roles import permissions_in
from revolution_hub.model.approval import Voter
from revolution_hub.store import approvers
from revolution_hub.store.tx import Tx


def voters_in(tx: Tx) -> list[Voter]:
    """Return every member who is not disabled, and whether the member's role may decide."""
    deciding = [one for one in approvers.list_roles(tx) if approvers.DECIDE in permissions_in(tx, one)]
    return approvers.list_voters(tx, deciding)
