// @sd-jwt/sd-jwt-vc, operation by operation; run.mjs asks. Keys are JWKs that come with the task, and so does the time.
import {SDJwtVcInstance} from '@sd-jwt/sd-jwt-vc';
import {digest, generateSalt} from '@sd-jwt/crypto-nodejs';
import {createPrivateKey, createPublicKey, sign, verify} from 'node:crypto';

const HASHES = {EdDSA: null, ES256: 'sha256'};

function signerOf(jwk, alg) {
  const key = createPrivateKey({key: jwk, format: 'jwk'});
  return data => sign(HASHES[alg], Buffer.from(data), {key, dsaEncoding: 'ieee-p1363'}).toString('base64url');
}

function holds(jwk, alg, data, signature) {
  const key = createPublicKey({key: jwk, format: 'jwk'});
  return verify(HASHES[alg], Buffer.from(data), {key, dsaEncoding: 'ieee-p1363'}, Buffer.from(signature, 'base64url'));
}

function instance(options) {
  return new SDJwtVcInstance({hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt, ...options});
}

export const does = {
  async issue({claims, hide, key, kid, alg}) {
    return instance({signer: signerOf(key, alg), signAlg: alg}).issue(claims, {_sd: hide}, {header: {kid}});
  },

  async present({token, key, alg, audience, nonce, now}) {
    // what is to be withheld is withheld already
    const held = instance({kbSigner: signerOf(key, alg), kbSignAlg: alg});
    const keys = await held.presentableKeys(token);
    const frame = Object.fromEntries(keys.map(name => [name, true]));
    return held.present(token, frame, {kb: {payload: {iat: now, aud: audience, nonce}}});
  },

  async verify({token, key, alg, audience, nonce, now}) {
    const verifier = instance({
      verifier: (data, signature) => holds(key, alg, data, signature),
      kbVerifier: (data, signature, payload) => holds(payload.cnf.jwk, alg, data, signature)
    });
    const {payload, kb} = await verifier.verify(token, {currentDate: now, keyBindingNonce: nonce});
    // the library compares the nonce; whom it was made for and when are its caller's to look at
    if(kb.payload.aud !== audience) {
      throw new Error('aud of the key binding is another');
    }
    if(kb.payload.iat > now + 60 || kb.payload.iat < now - 360) {
      throw new Error('iat of the key binding is too old or in the future');
    }
    return payload;
  }
};
