#!/bin/sh
# Makes /opt/sidepro from the files of requirements that the arguments name, such as `web otel`, and the
# wheel in /tmp/wheel, without pip, and writes the list of its packages (SBOM, CycloneDX) to
# /opt/sidepro/sbom.json.
set -eu

python3 -m venv --without-pip /opt/sidepro
install() { /opt/build/bin/pip --python /opt/sidepro/bin/python install --no-deps --no-compile "$@"; }

for name in "$@"; do
    install --require-hashes --requirement "requirements/$name.txt"
done
install /tmp/wheel/*.whl

# The same bytes for the same inputs: bytecode checked by hash, not by the time of the source.
/opt/sidepro/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/sidepro/lib
find /opt/sidepro -depth -type d \( -name tests -o -name testing \) -path '*/site-packages/*' \
    ! -path '*/sidepro/*' ! -path '*/litestar/*' ! -path '*/sqlalchemy/*' -exec rm -r {} +

find /opt/sidepro -name '*.map' -path '*/swagger_ui_bundle/*' -delete  # for debugging Swagger UI

cat >/opt/sidepro/bin/sidepro-alive <<'END'
#!/opt/sidepro/bin/python -I
"""Exits with 0 if the process on this port is alive: sidepro-alive PORT."""
import sys
from urllib.request import ProxyHandler, build_opener

try:
    # Docker may name a proxy in the environment of each container.
    build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{sys.argv[1]}/health/live", timeout=4)
except OSError as error:
    sys.exit(f"not alive: {error}")
END
chmod +x /opt/sidepro/bin/sidepro-alive

/opt/sidepro/bin/python -I deploy/image/sbom.py >/opt/sidepro/sbom.json
