"""Building the components and running the local stack."""
