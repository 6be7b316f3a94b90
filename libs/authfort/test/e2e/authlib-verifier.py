"""Verifies an access token as RFC 9068 with Authlib: authlib-verifier.py <issuer> <audience> <token>. Prints the claims."""
import json
import sys
from urllib.request import urlopen

from authlib.jose import JsonWebKey, JsonWebToken
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

issuer, audience, token = sys.argv[1:]

with urlopen(get_well_known_url(issuer, external=True)) as response:
    metadata = json.load(response)
assert metadata["issuer"] == issuer
# Authlib wants https and named endpoints of every server; these are the checks that apply to one without a token endpoint.
AuthorizationServerMetadata(metadata).validate_response_types_supported()
AuthorizationServerMetadata(metadata).validate_grant_types_supported()
with urlopen(metadata["jwks_uri"]) as response:
    keys = JsonWebKey.import_key_set(json.load(response))

try:
    # Authlib 1.3 and later have the validator of RFC 9068; Debian 12 has 1.2.
    from authlib.oauth2.rfc9068.claims import JWTAccessTokenClaims as Claims
except ImportError:
    from authlib.jose import JWTClaims as Claims

essential = {name: {"essential": True} for name in ("exp", "sub", "client_id", "iat", "jti", "auth_time", "acr", "amr")}
options = {**essential, "iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": audience}}
claims = JsonWebToken(["RS256", "ES256"]).decode(token, keys, claims_cls=Claims, claims_options=options)
assert claims.header["typ"].lower() in ("at+jwt", "application/at+jwt")
claims.validate()
print(json.dumps(claims))
