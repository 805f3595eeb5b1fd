"""`make simulate`: run schedules until one fails or the time is up."""

from tests.simulation.campaign import main

if __name__ == "__main__":
    main()
