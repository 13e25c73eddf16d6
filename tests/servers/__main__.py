"""Says where the programs are that tests start. Arguments select some by name."""

import sys

from tests.servers import ServerError, find_chromium, find_npm, find_postgres, find_redis
from tests.servers.network import find_ip
from tests.servers.nginx import find_nginx
from tests.servers.pgbouncer import find_pgbouncer

PROGRAMS = {
    "postgresql": find_postgres,
    "pgbouncer": find_pgbouncer,
    "redis": find_redis,
    "nginx": find_nginx,
    "chromium": find_chromium,
    "npm": find_npm,
    "iproute2": find_ip,
}

missing = []
for name in sys.argv[1:] or PROGRAMS:
    try:
        print(PROGRAMS[name]())
    except ServerError as problem:
        missing.append(str(problem))
if missing:
    sys.exit("\n".join(missing))
