// ML-DSA and its composites with Ed25519, by @noble/post-quantum and @noble/curves.
// stdin: [{name, seed, message, signature}], all but the name in base64url; the signature is agentdid's.
// stdout: the same with `publicKey`, `accepted` (of that signature) and `noble`, a signature of its own.
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { createHash } from 'node:crypto';

const KINDS = { 'ML-DSA-44': ml_dsa44, 'ML-DSA-65': ml_dsa65, 'ML-DSA-87': ml_dsa87 };
const decode = (text) => new Uint8Array(Buffer.from(text, 'base64url'));
const encode = (raw) => Buffer.from(raw).toString('base64url');
const join = (...parts) => new Uint8Array(Buffer.concat(parts));

function pure(kind, seed) {
  const { publicKey, secretKey } = kind.keygen(seed);
  return {
    publicKey,
    sign: (message) => kind.sign(message, secretKey),
    verify: (signature, message) => kind.verify(signature, message, publicKey),
  };
}

// draft-ietf-lamps-pq-composite-sigs-19 section 3
function composite(name, seed) {
  const level = name.slice(0, 'ML-DSA-44'.length);
  const kind = KINDS[level];
  const { publicKey, secretKey } = kind.keygen(seed.subarray(0, 32));
  const context = Buffer.from(`COMPSIG-${level.replaceAll('-', '')}-Ed25519-SHA512`);
  const represent = (message) =>
    join(
      Buffer.from('CompositeAlgorithmSignatures2025'),
      context,
      Buffer.from([0]),
      createHash('sha512').update(message).digest(),
    );
  const classical = seed.subarray(32);
  return {
    publicKey: join(publicKey, ed25519.getPublicKey(classical)),
    sign: (message) => {
      const m = represent(message);
      return join(kind.sign(m, secretKey, { context }), ed25519.sign(m, classical));
    },
    verify: (signature, message) => {
      const m = represent(message);
      const cut = signature.length - 64;
      return (
        kind.verify(signature.subarray(0, cut), m, publicKey, { context }) &&
        ed25519.verify(signature.subarray(cut), m, ed25519.getPublicKey(classical))
      );
    },
  };
}

let text = '';
for await (const chunk of process.stdin) text += chunk;
const rows = JSON.parse(text).map((row) => {
  const seed = decode(row.seed);
  const key = KINDS[row.name] ? pure(KINDS[row.name], seed) : composite(row.name, seed);
  const message = decode(row.message);
  return {
    ...row,
    publicKey: encode(key.publicKey),
    accepted: key.verify(decode(row.signature), message),
    noble: encode(key.sign(message)),
  };
});
process.stdout.write(JSON.stringify(rows, null, 1) + '\n');
