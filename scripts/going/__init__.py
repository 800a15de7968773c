"""How long until others see that a player has gone, for each way of going."""
