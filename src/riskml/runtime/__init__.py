"""What scores a customer: numpy and pandas only, in riskml and in every exported package alike."""
