// didwebvh-ts over node:crypto's Ed25519; run.mjs asks. Keys are seeds in base64url, logs are text.
import {createPrivateKey, createPublicKey, sign, verify} from 'node:crypto';
import {
  createDID, deactivateDID, deriveNextKeyHash, multibaseEncode, MultibaseEncoding, prepareDataForSigning,
  resolveDIDFromLog, signWitnessProofEntry, updateDID
} from 'didwebvh-ts';

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const CODEC = [0xed, 0x01];

const multibase = raw => multibaseEncode(new Uint8Array(raw), MultibaseEncoding.BASE58_BTC);

class Key {
  constructor(seed) {
    this.secret = createPrivateKey({key: Buffer.concat([PKCS8, Buffer.from(seed, 'base64url')]), format: 'der',
      type: 'pkcs8'});
    const raw = createPublicKey(this.secret).export({format: 'der', type: 'spki'}).subarray(-32);
    this.multikey = multibase([...CODEC, ...raw]);
    this.did = `did:key:${this.multikey}`;
  }

  getVerificationMethodId() {
    return `${this.did}#${this.multikey}`;
  }

  async sign({document, proof}) {
    const data = await prepareDataForSigning(document, proof);
    return {proofValue: multibase(sign(null, data, this.secret))};
  }
}

const verifier = {
  async verify(signature, message, publicKey) {
    const key = createPublicKey({key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki'});
    return verify(null, message, key, signature);
  }
};

const hash = key => deriveNextKeyHash(key.multikey);
const text = log => log.map(entry => JSON.stringify(entry) + '\n').join('');
const times = ['2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z', '2026-11-03T00:00:00Z'];

const begin = (keys, more) => createDID({address: 'their.example', paths: ['dids'], signer: keys[0],
  updateKeys: [keys[0].multikey], verifier, created: times[0],
  verificationMethods: [{type: 'Multikey', publicKeyMultibase: keys[3].multikey, purpose: 'assertionMethod'}], ...more});
const change = ({log}, signer, at, more) => updateDID({log, signer, verifier, updated: times[at], ...more});

async function approve(proofs, {log}, witnesses) {
  const {versionId} = log.at(-1);
  const signers = Object.fromEntries(witnesses.map(key => [key.did, key]));
  return [...proofs, await signWitnessProofEntry({versionId, witnesses: witnesses.map(key => ({id: key.did})),
    witnessSignersByDid: signers, created: times[0]})];
}

const make = {
  async rotation(keys) {
    let made = await begin(keys);
    made = await change(made, keys[0], 1, {updateKeys: [keys[1].multikey]});
    return change(made, keys[1], 2, {updateKeys: [keys[2].multikey]});
  },
  async 'pre-rotation'(keys) {
    let made = await begin(keys, {nextKeyHashes: [await hash(keys[1])]});
    made = await change(made, keys[1], 1, {updateKeys: [keys[1].multikey], nextKeyHashes: [await hash(keys[2])]});
    return change(made, keys[2], 2, {updateKeys: [keys[2].multikey], nextKeyHashes: []});
  },
  async witnesses(keys) {
    const witnesses = keys.slice(1, 3);
    const witness = {threshold: 2, witnesses: witnesses.map(key => ({id: key.did}))};
    const first = await begin(keys, {witness});
    let witnessProofs = await approve([], first, witnesses);
    const made = await change(first, keys[0], 1, {alsoKnownAs: ['did:web:their.example'], witnessProofs});
    witnessProofs = await approve(witnessProofs, made, witnesses);
    return {...made, witnessProofs};
  },
  async moved(keys) {
    const made = await begin(keys, {portable: true});
    return change(made, keys[0], 1, {address: 'moved.example'});
  },
  async deactivated(keys) {
    return deactivateDID({log: (await begin(keys)).log, signer: keys[0], verifier});
  }
};

export const does = {
  async make({scenario, seeds}) {
    const made = await make[scenario](seeds.map(seed => new Key(seed)));
    return {did: made.log.at(-1).state.id, log: text(made.log),
      witness: made.witnessProofs ? JSON.stringify(made.witnessProofs) : null};
  },

  async resolve({did, log, witness}) {
    const entries = log.trimEnd().split('\n').map(line => JSON.parse(line));
    const {doc, meta} = await resolveDIDFromLog(entries, {verifier, requestedDid: did,
      witnessProofs: witness === null ? undefined : JSON.parse(witness)});
    if(meta.error) {
      throw new Error(meta.problemDetails?.detail ?? meta.error);
    }
    // a deactivated DID has no document there
    return {id: meta.deactivated && doc === null ? did : doc.id, versionId: meta.versionId, deactivated: Boolean(meta.deactivated)};
  }
};
