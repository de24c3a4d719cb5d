// jose, operation by operation; run.mjs asks. Keys are JWKs that come with the task.
import * as jose from 'jose';

export const does = {
  async sign({payload, header, key, alg}) {
    if(alg === 'none') {
      return new jose.UnsecuredJWT(payload).encode();
    }
    const secret = alg === 'HS256' ? Buffer.from(key.x, 'base64url') : await jose.importJWK(key, alg);
    return new jose.SignJWT(payload).setProtectedHeader({...header, alg}).sign(secret);
  },

  async verify({token, key, algorithms, typ, issuer, audience, now, required = ['exp', 'iat', 'nonce']}) {
    const {payload} = await jose.jwtVerify(token, await jose.importJWK(key, algorithms[0]), {
      algorithms, typ, issuer, audience, currentDate: new Date(now * 1000), requiredClaims: required
    });
    return payload;
  },

  async thumbprint({key}) {
    return jose.calculateJwkThumbprint(key);
  }
};
