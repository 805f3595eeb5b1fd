"""What each of the four APIs is built with."""
