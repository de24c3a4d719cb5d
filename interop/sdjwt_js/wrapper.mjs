// @sd-jwt/core, operation by operation; run.mjs asks. Keys are JWKs that come with the task.
import {SDJwtInstance} from '@sd-jwt/core';
import {digest, generateSalt} from '@sd-jwt/crypto-nodejs';
import {createPrivateKey, createPublicKey, sign, verify} from 'node:crypto';

const HASHES = {EdDSA: null, ES256: 'sha256'};

function signerOf(jwk, alg) {
  const key = createPrivateKey({key: jwk, format: 'jwk'});
  return data => sign(HASHES[alg], Buffer.from(data), {key, dsaEncoding: 'ieee-p1363'}).toString('base64url');
}

function verifierOf(jwk, alg) {
  const key = createPublicKey({key: jwk, format: 'jwk'});
  return (data, signature) => verify(
    HASHES[alg], Buffer.from(data), {key, dsaEncoding: 'ieee-p1363'}, Buffer.from(signature, 'base64url'));
}

function instance(options) {
  return new SDJwtInstance({hasher: digest, saltGenerator: generateSalt, ...options});
}

// paths to hide → the library's disclosure frame
function frameOf(paths, decoys) {
  const frame = {};
  const at = path => path.reduce((place, step) => place[step] ??= {}, frame);
  for(const path of paths) {
    (at(path.slice(0, -1))._sd ??= []).push(path.at(-1));
  }
  for(const [path, count] of decoys) {
    at(path)._sd_decoy = count;
  }
  return frame;
}

// paths to disclose → the library's presentation frame
function choiceOf(paths) {
  const choice = {};
  for(const path of paths) {
    const place = path.slice(0, -1).reduce((place, step) => {
      if(typeof place[step] !== 'object') {
        place[step] = {};
      }
      return place[step];
    }, choice);
    place[path.at(-1)] ??= true;
  }
  return choice;
}

export const does = {
  async issue({payload, hide, decoys, header, key, alg, hash}) {
    const issuer = instance({signer: signerOf(key, alg), signAlg: alg, hashAlg: hash});
    return issuer.issue(payload, frameOf(hide, decoys), {header});
  },

  async present({token, keep}) {
    return instance({}).present(token, choiceOf(keep));
  },

  async verify({token, key, alg, now}) {
    const {payload} = await instance({verifier: verifierOf(key, alg)}).verify(token, {currentDate: now});
    return payload;
  }
};
