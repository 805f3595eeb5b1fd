"""Property tests run as long as they take: on a busy machine an example has no deadline."""

from hypothesis import settings

settings.register_profile("coffeeshop", deadline=None)
settings.load_profile("coffeeshop")
