"""Building and running Coffeeshop on one machine."""
