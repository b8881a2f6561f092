"""Features by theme: payment, purchase, contact, financial, market."""
