"""The Salesforce connector of Revolution Hub."""
