"""The HubSpot connector of Revolution Hub."""
