"""Says where the server programs are."""

import sys

from tests.servers import ServerError, find_postgres, find_redis

try:
    print(find_postgres())
    print(find_redis())
except ServerError as problem:
    sys.exit(str(problem))
