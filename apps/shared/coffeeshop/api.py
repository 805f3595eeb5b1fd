"""What the shop's APIs have in common beside the HTTP kit."""

from coffeeshop.answers import unavailable
from coffeeshop.http import Failures
from coffeeshop.transport import Unavailable

FAILURES: Failures = {Unavailable: unavailable("The shop cannot answer now. Repeat the request.")}
"""What an API answers where something that it depends on does not."""
