// @digitalbazaar/vc and its eddsa-jcs-2022 suite, operation by operation; run.mjs asks.
// Whatever is not among the documents of a task, or a did:key, is not there: nothing is fetched.
import * as bitstring from '@digitalbazaar/vc-bitstring-status-list';
import * as ed25519 from '@digitalbazaar/ed25519-multikey';
import * as eddsaJcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {driver} from '@digitalbazaar/did-method-key';
import jsigs from 'jsonld-signatures';
import jsonld from 'jsonld';

const {AssertionProofPurpose, AuthenticationProofPurpose} = jsigs.purposes;

const didKey = driver();
didKey.use({multibaseMultikeyHeader: 'z6Mk', fromMultibase: ed25519.from});

function loaderOf(documents = {}) {
  return async function load(url) {
    const answer = document => ({contextUrl: null, documentUrl: url, document});
    const [base, fragment] = url.split('#');
    if(base.startsWith('did:key:')) {
      return answer(await didKey.get({url}));
    }
    const found = documents[base];
    if(found === undefined) {
      // the contexts that the library ships
      return vc.defaultDocumentLoader(url);
    }
    if(base.startsWith('did:') && fragment !== undefined) {
      const method = found.verificationMethod.find(each => each.id === url);
      if(method === undefined) {
        throw new Error(`No verification method "${url}".`);
      }
      return answer({'@context': 'https://w3id.org/security/multikey/v1', ...method});
    }
    return answer(structuredClone(found));
  };
}

function verifying() {
  return new DataIntegrityProof({cryptosuite: eddsaJcs.createVerifyCryptosuite()});
}

function judged(result) {
  if(result.verified) {
    return true;
  }
  const causes = [];
  const collect = each => {
    for(const error of [each?.error ?? []].flat(2)) {
      causes.push(...(error.errors ?? [error]).map(cause => cause.message));
    }
  };
  [result, result.presentationResult, result.statusResult, ...result.credentialResults ?? []].forEach(collect);
  (result.credentialResults ?? []).forEach(each => collect(each.statusResult));
  throw new Error([...new Set(causes)].join('; ') || 'not verified');
}

export const does = {
  // the Multikey pair of a seed
  async key({seed}) {
    const pair = await ed25519.generate({seed: new Uint8Array(Buffer.from(seed, 'base64url'))});
    return pair.export({publicKey: true, secretKey: true, canonicalize: true});
  },

  async resolve({did}) {
    return didKey.get({did});
  },

  async sign({document, key, created, purpose, options, documents}) {
    const pair = await ed25519.from({type: 'Multikey', ...key});
    const suite = new DataIntegrityProof({
      signer: pair.signer(), date: created, cryptosuite: eddsaJcs.createSignCryptosuite()
    });
    const {challenge, domain, ...others} = options;
    suite.proof = others;
    const aim = purpose === 'authentication' && challenge !== undefined && typeof domain !== 'object' ?
      new AuthenticationProofPurpose({challenge, domain}) :
      new (class extends AssertionProofPurpose {
        async update(proof) {
          return Object.assign(proof, {proofPurpose: purpose, ...options});
        }
      })();
    const documentLoader = loaderOf(documents);
    if(document.type.includes('VerifiablePresentation')) {
      return vc.signPresentation({presentation: document, suite, purpose: aim, documentLoader});
    }
    return vc.issue({credential: document, suite, purpose: aim, documentLoader, now: created});
  },

  async verifyCredential({input, now, documents}) {
    const documentLoader = loaderOf(documents);
    return judged(await vc.verifyCredential(
      {credential: input, suite: verifying(), documentLoader, now, checkStatus: statusOf(documentLoader)}));
  },

  async verifyPresentation({input, now, documents, challenge, domain}) {
    const documentLoader = loaderOf(documents);
    return judged(await vc.verify({
      presentation: input, suite: verifying(), documentLoader, now, challenge, domain,
      checkStatus: statusOf(documentLoader)
    }));
  },

  // what a JSON-LD reader sees; safe mode refuses whatever no context defines
  async expand({input, documents}) {
    return jsonld.expand(input, {documentLoader: loaderOf(documents), safe: true});
  }
};

function statusOf(documentLoader) {
  return async ({credential}) => {
    const result = await bitstring.checkStatus({credential, documentLoader, suite: verifying()});
    // the library says that the list holds; what its bit says is the caller's to read
    const set = result.results?.some(each => each.status);
    return set ? {verified: false, error: new Error('revoked')} : result;
  };
}
