"""The WhatsApp Business connector of Revolution Hub."""
