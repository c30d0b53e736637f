// Verifies tokens with the npm package jose by the server's published keys, and says of each what it found.
//
// Standard input: {"jwks": URL, "issuer": .., "checks": [{"token": .., "audience": ..}, ..]}
// Standard output: a list with the subject of each token that is good, or the code of jose's refusal.
import { readFileSync } from 'node:fs';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const asked = JSON.parse(readFileSync(0, 'utf8'));
const keys = createRemoteJWKSet(new URL(asked.jwks));
const found = [];
for (const { token, audience } of asked.checks) {
  try {
    const rules = { issuer: asked.issuer, audience, typ: 'at+jwt', algorithms: ['ES256'], requiredClaims: ['exp', 'jti'] };
    found.push((await jwtVerify(token, keys, rules)).payload.sub);
  } catch (refusal) {
    found.push(refusal.claim ? `${refusal.code} ${refusal.claim}` : refusal.code);
  }
}
console.log(JSON.stringify(found));
