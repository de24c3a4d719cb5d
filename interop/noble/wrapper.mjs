// @noble/post-quantum's ML-DSA, and composites of it with @noble/curves' Ed25519; run.mjs asks. Bytes are base64url.
import {ed25519} from '@noble/curves/ed25519.js';
import {ml_dsa44, ml_dsa65, ml_dsa87} from '@noble/post-quantum/ml-dsa.js';
import {createHash} from 'node:crypto';

const KINDS = {'ML-DSA-44': ml_dsa44, 'ML-DSA-65': ml_dsa65, 'ML-DSA-87': ml_dsa87};
const SEED = 32;
const CLASSICAL_SIGNATURE = 64;
const CLASSICAL_KEY = 32;

const decode = text => new Uint8Array(Buffer.from(text, 'base64url'));
const encode = raw => Buffer.from(raw).toString('base64url');
const join = (...parts) => new Uint8Array(Buffer.concat(parts));

const pure = kind => ({
  publicKey: seed => kind.keygen(seed).publicKey,
  sign: (message, seed, options) => kind.sign(message, kind.keygen(seed).secretKey, options),
  verify: (signature, message, key) => kind.verify(signature, message, key)
});

// draft-ietf-lamps-pq-composite-sigs-19, section 3
function composite(level) {
  const kind = KINDS[level];
  const context = Buffer.from(`COMPSIG-${level.replaceAll('-', '')}-Ed25519-SHA512`);
  const represent = message => join(
    Buffer.from('CompositeAlgorithmSignatures2025'), context, Buffer.from([0]),
    createHash('sha512').update(message).digest());
  return {
    publicKey: seed => join(kind.keygen(seed.subarray(0, SEED)).publicKey, ed25519.getPublicKey(seed.subarray(SEED))),
    sign(message, seed) {
      const {secretKey} = kind.keygen(seed.subarray(0, SEED));
      const m = represent(message);
      return join(kind.sign(m, secretKey, {context}), ed25519.sign(m, seed.subarray(SEED)));
    },
    verify(signature, message, key) {
      const m = represent(message);
      const [at, of] = [signature.length - CLASSICAL_SIGNATURE, key.length - CLASSICAL_KEY];
      return kind.verify(signature.subarray(0, at), m, key.subarray(0, of), {context}) &&
        ed25519.verify(signature.subarray(at), m, key.subarray(of));
    }
  };
}

const find = name => KINDS[name] ? pure(KINDS[name]) : composite(name.replace('-Ed25519', ''));

export const does = {
  async sign({name, seed, message, deterministic = false}) {
    const scheme = find(name);
    const options = deterministic ? {extraEntropy: false} : {};
    return {
      publicKey: encode(scheme.publicKey(decode(seed))),
      signature: encode(scheme.sign(decode(message), decode(seed), options))
    };
  },

  async verify({name, publicKey, message, signature}) {
    if(!find(name).verify(decode(signature), decode(message), decode(publicKey))) {
      throw new Error('the signature does not hold');
    }
    return true;
  }
};
