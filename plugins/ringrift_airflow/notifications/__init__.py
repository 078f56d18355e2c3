"""Messages to people: failures, promotions, and hosts that are lost or back."""
