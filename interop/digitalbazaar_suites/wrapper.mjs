// Digital Bazaar's Data Integrity suites, and ML-DSA by @noble/post-quantum over canonical bytes that their libraries
// make; run.mjs asks. Whatever is not among the documents of a task, or a did:key, is not there: nothing is fetched.
import * as ecdsa from '@digitalbazaar/ecdsa-multikey';
import * as ecdsaJcs from '@digitalbazaar/ecdsa-jcs-2019-cryptosuite';
import * as ecdsaRdfc from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite';
import * as ed25519 from '@digitalbazaar/ed25519-multikey';
import * as eddsaJcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import * as eddsaRdfc from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import canonicalize from 'canonicalize';
import jsigs from 'jsonld-signatures';
import jsonld from 'jsonld';
import {createHash} from 'node:crypto';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {driver} from '@digitalbazaar/did-method-key';
import {Ed25519Signature2020} from '@digitalbazaar/ed25519-signature-2020';
import {Ed25519VerificationKey2020} from '@digitalbazaar/ed25519-verification-key-2020';
import {ml_dsa44} from '@noble/post-quantum/ml-dsa.js';

const {AssertionProofPurpose, AuthenticationProofPurpose} = jsigs.purposes;

const didKey = driver();
didKey.use({multibaseMultikeyHeader: 'z6Mk', fromMultibase: ed25519.from});
didKey.use({multibaseMultikeyHeader: 'zDna', fromMultibase: ecdsa.from});
didKey.use({multibaseMultikeyHeader: 'z82L', fromMultibase: ecdsa.from});

function loaderOf(documents = {}) {
  return async function load(url) {
    const answer = document => ({contextUrl: null, documentUrl: url, document});
    if(url.startsWith('did:key:')) {
      return answer(await didKey.get({url}));
    }
    const found = documents[url.split('#')[0]];
    return found === undefined ? vc.defaultDocumentLoader(url) : answer(structuredClone(found));
  };
}

// what signs and what verifies, by the name of the suite; a P-384 key picks the hash in both
const suites = {
  'eddsa-jcs-2022': {
    sign: () => eddsaJcs.createSignCryptosuite(), verify: () => eddsaJcs.createVerifyCryptosuite(), keys: ed25519
  },
  'eddsa-rdfc-2022': {sign: () => eddsaRdfc.cryptosuite, verify: () => eddsaRdfc.cryptosuite, keys: ed25519},
  'ecdsa-jcs-2019': {
    sign: () => ecdsaJcs.createSignCryptosuite(), verify: () => ecdsaJcs.createVerifyCryptosuite(), keys: ecdsa
  },
  'ecdsa-rdfc-2019': {sign: () => ecdsaRdfc.cryptosuite, verify: () => ecdsaRdfc.cryptosuite, keys: ecdsa}
};

function verifying(name) {
  return name === 'Ed25519Signature2020' ?
    new Ed25519Signature2020() : new DataIntegrityProof({cryptosuite: suites[name].verify()});
}

async function signing(name, key, created) {
  if(name === 'Ed25519Signature2020') {
    const {secretKeyMultibase: privateKeyMultibase, ...pair} = key;
    return new Ed25519Signature2020({
      key: await Ed25519VerificationKey2020.from({
        type: 'Ed25519VerificationKey2020', privateKeyMultibase, ...pair
      }), date: created
    });
  }
  const pair = await suites[name].keys.from({type: 'Multikey', ...key});
  return new DataIntegrityProof({signer: pair.signer(), date: created, cryptosuite: suites[name].sign()});
}

function causes(error) {
  return (error?.errors ?? [error]).map(each => each?.message).join('; ');
}

// the bytes that an ML-DSA key signs: two canonical forms, by their libraries, hashed by Node
async function hashData({proof, ...body}, documents) {
  const {proofValue, ...options} = proof;
  const config = {...options, '@context': body['@context']};
  const documentLoader = loaderOf(documents);
  const canon = proof.cryptosuite.includes('jcs') ? canonicalize :
    each => jsonld.canonize(each, {algorithm: 'RDFC-1.0', documentLoader, safe: true});
  const [first, second] = [await canon(config), await canon(body)].map(
    text => createHash('sha256').update(text, 'utf8').digest());
  return Buffer.concat([first, second]);
}

const raw = multibase => Buffer.from(multibase.slice(1), 'base64url');

export const does = {
  async sign({suite: name, document, key, created, purpose, options, documents}) {
    const suite = await signing(name, key, created);
    const {challenge, domain, ...others} = options;
    suite.proof = others;
    const documentLoader = loaderOf(documents);
    const aim = purpose === 'authentication' ? new AuthenticationProofPurpose({challenge, domain}) : new AssertionProofPurpose();
    return jsigs.sign(document, {suite, purpose: aim, documentLoader});
  },

  async verify({suite: name, input, now, purpose, options, documents}) {
    const documentLoader = loaderOf(documents);
    const date = new Date(now);
    const aim = purpose === 'authentication' ?
      new AuthenticationProofPurpose({...options, date}) : new AssertionProofPurpose({date});
    const result = await jsigs.verify(input, {suite: verifying(name), purpose: aim, documentLoader});
    if(!result.verified) {
      throw new Error(causes(result.error) || 'not verified');
    }
    return true;
  },

  async signMldsa({document, seed, proof, documents}) {
    const {secretKey} = ml_dsa44.keygen(new Uint8Array(raw(`u${seed}`)));
    const message = await hashData({...document, proof}, documents);
    const value = Buffer.from(ml_dsa44.sign(message, secretKey)).toString('base64url');
    return {...document, proof: {...proof, proofValue: `u${value}`}};
  },

  async verifyMldsa({input, publicKey, documents}) {
    const message = await hashData(input, documents);
    if(!ml_dsa44.verify(raw(input.proof.proofValue), message, new Uint8Array(raw(`u${publicKey}`)))) {
      throw new Error('Invalid signature');
    }
    return true;
  }
};
