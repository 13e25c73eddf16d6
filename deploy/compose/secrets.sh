#!/bin/sh
# Makes the secrets of compose.yaml, and a certificate for localhost. Keeps what is there.
# For another host name, put its certificate and key into secrets/tls.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets/tls
chmod 700 secrets
cd secrets

# keep NAME VALUE
keep() { [ -e "$1" ] || printf '%s\n' "$2" >"$1"; }
random() { openssl rand -hex 24; }

keep database_password "$(random)"
keep database_url "postgresql://sidepro:$(cat database_password)@postgresql:5432/sidepro"
keep secret_key "$(random)"
keep s3_access_key "$(random)"
keep s3_secret_key "$(random)"
keep s3_identities.json "{
  \"identities\": [
    {\"name\": \"anonymous\", \"actions\": [\"Read:images\"]},
    {\"name\": \"sidepro\", \"actions\": [\"Admin\", \"Read\", \"Write\", \"List\"], \"credentials\": [
      {\"accessKey\": \"$(cat s3_access_key)\", \"secretKey\": \"$(cat s3_secret_key)\"}
    ]}
  ]
}"
if [ ! -e tls/sidepro.crt ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost \
        -keyout tls/sidepro.key -out tls/sidepro.crt 2>/dev/null
fi
# Containers run as other users. The folder keeps others out.
chmod 444 database_* secret_key s3_* tls/*
