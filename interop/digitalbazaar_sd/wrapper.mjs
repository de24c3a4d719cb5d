// @digitalbazaar's selective suites, operation by operation; run.mjs asks.
// Keys are did:key ones; contexts are those of a task: nothing is fetched.
import * as bbs from '@digitalbazaar/bbs-2023-cryptosuite';
import * as bls from '@digitalbazaar/bls12-381-multikey';
import * as ecdsa from '@digitalbazaar/ecdsa-multikey';
import * as sd from '@digitalbazaar/ecdsa-sd-2023-cryptosuite';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import jsigs from 'jsonld-signatures';

const {AssertionProofPurpose} = jsigs.purposes;
const suites = {'ecdsa-sd-2023': sd, 'bbs-2023': bbs};
const algorithms = {P256: 'P-256', BBS: 'BBS-BLS12-381-SHA-256'};

function loaderOf(documents) {
  return async function load(url) {
    // `static` lets the library keep what it made of a context
    const answer = (document, tag) => ({contextUrl: null, documentUrl: url, document, tag});
    const [did, fragment] = url.split('#');
    if(did.startsWith('did:key:')) {
      const multibase = did.slice('did:key:'.length);
      const id = `${did}#${multibase}`;
      const method = {
        '@context': 'https://w3id.org/security/multikey/v1',
        id, type: 'Multikey', controller: did, publicKeyMultibase: multibase
      };
      return answer(fragment === undefined ?
        {'@context': 'https://www.w3.org/ns/did/v1', id: did, assertionMethod: [id]} : method);
    }
    if(documents[url] === undefined) {
      throw new Error(`Nothing is known of "${url}".`);
    }
    return answer(documents[url], 'static');
  };
}

async function pairOf(suite, key) {
  const found = {type: 'Multikey', ...key};
  return suite === 'bbs-2023' ? bls.from(found, {algorithm: algorithms.BBS}) : ecdsa.from(found);
}

async function verify({document, suite, documents}) {
  const result = await jsigs.verify(structuredClone(document), {
    suite: new DataIntegrityProof({cryptosuite: suites[suite].createVerifyCryptosuite()}),
    purpose: new AssertionProofPurpose(),
    documentLoader: loaderOf(documents)
  });
  if(result.verified) {
    return true;
  }
  const causes = [result.error.errors ?? result.error].flat().map(each => each.message);
  throw new Error([...new Set(causes)].join('; '));
}

async function derive({document, suite, pointers, presentationHeader, documents}) {
  const options = {selectivePointers: pointers};
  if(presentationHeader !== undefined) {
    options.presentationHeader = new Uint8Array(Buffer.from(presentationHeader, 'base64url'));
  }
  return jsigs.derive(structuredClone(document), {
    suite: new DataIntegrityProof({cryptosuite: suites[suite].createDiscloseCryptosuite(options)}),
    purpose: new AssertionProofPurpose(),
    documentLoader: loaderOf(documents)
  });
}

export const does = {
  derive,

  verify,

  async base({document, suite, key, created, pointers, documents}) {
    const pair = await pairOf(suite, key);
    return jsigs.sign(structuredClone(document), {
      suite: new DataIntegrityProof({
        signer: pair.signer(), date: created,
        cryptosuite: suites[suite].createSignCryptosuite({mandatoryPointers: pointers})
      }),
      purpose: new AssertionProofPurpose(),
      documentLoader: loaderOf(documents)
    });
  },

  // microseconds a call, the least of several rounds, of what is warm
  async time({what, rounds, calls, ...task}) {
    let least = Infinity;
    for(let round = 0; round <= rounds; ++round) {
      const start = process.hrtime.bigint();
      for(let call = 0; call < calls; ++call) {
        await does[what](task);
      }
      const spent = Number(process.hrtime.bigint() - start) / 1000 / calls;
      least = round === 0 ? least : Math.min(least, spent);
    }
    return least;
  }
};
