"""What is counter-api's own: the order, the ordering workflow, the indexes."""
